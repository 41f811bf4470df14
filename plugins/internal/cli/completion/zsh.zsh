#compdef PROGRAM
# Completion of PROGRAM in zsh.
# Generated: change the template, not this file.

FUNCTION() {
    local program=PROGRAM line last value quote typed=$QIPREFIX$PREFIX
    local -a reply values shown parts
    integer widest=0
    # A program that was typed with its folder is asked itself.
    if [[ ${(Q)words[1]} == */* && -x ${(Q)words[1]} ]]; then
        program=${(Q)words[1]}
    fi
    # A quote that was opened within the word is in $words alone: zsh has taken it
    # out of the line, and what is inserted brings it back.
    if [[ -z $QIPREFIX$SUFFIX ]]; then
        for quote in \' \"; do
            [[ ${(Q)${:-$words[CURRENT]$quote}} == "${(Q)PREFIX}" ]] && typed=$words[CURRENT]
        done
    fi
    # (Q) takes the quotes off and evaluates nothing; _files does evaluate, and is
    # not asked for where that could do harm. In the reply, each line is a
    # value, a tab and its description, and the last one says what else to do.
    reply=("${(@f)$(command $program __complete --shell zsh --typed "$typed" -- "${(@Q)words[2,CURRENT-1]}" "${(Q)${:-$QIPREFIX$PREFIX$compstate[quote]}}" 2>/dev/null </dev/null)}")
    last=$reply[-1]
    reply[-1]=()
    for line in "${(@)reply}"; do
        value=${line%%$'\t'*}
        values+=("$value")
        (( $#value > widest )) && widest=$#value
    done
    for line in "${(@)reply}"; do
        value=${line%%$'\t'*}
        if [[ $line == *$'\t'?* ]]; then
            shown+=("${(r:$widest:)value}  -- ${line#*$'\t'}")
        else
            shown+=("$value")
        fi
    done
    if (( $#values )); then
        [[ $last == *nospace* ]] && parts+=(-S '')
        [[ -n ${(M)reply:#*$'\t'?*} ]] && parts+=(-l)
        [[ $last == :quoted* ]] && parts+=(-U -Q)
        compadd "${(@)parts}" -V PROGRAM -d shown -a values
    fi
    # A file can be the value behind --flag=.
    case $last in
    *files*|*dirs*) [[ $PREFIX == --*=* ]] && compset -P '*=' ;;
    esac
    case $last in
    *files\ ?*) _files -g "${${last#*files }// /|}" && return ;;
    *files*) _files && return ;;
    *dirs*) _files -/ && return ;;
    esac
    (( $#values ))
}

if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    FUNCTION "$@"
elif (( $+functions[compdef] )); then
    compdef FUNCTION PROGRAM
fi
