# Completion of PROGRAM in bash 3.2 and later; nothing else has to be installed.
# Generated: change the template, not this file.

FUNCTION() {
    local reply line last program=PROGRAM
    COMPREPLY=()
    # A program that was typed with its folder is asked itself.
    if [[ $1 == */* && -x $1 ]]; then
        program=$1
    fi
    # The program takes the quotes off; nothing is evaluated here. In the reply,
    # each line is what readline inserts, and the last one says what else to do.
    reply=$(command "$program" __complete --shell bash --line "${COMP_LINE:0:COMP_POINT}" --word "$2" \
        --type "${COMP_TYPE-}" --columns "${COLUMNS-}" 2>/dev/null </dev/null)
    last=
    while IFS= read -r line; do
        if [[ -n $last ]]; then
            COMPREPLY[${#COMPREPLY[@]}]=$last
        fi
        last=$line
    done <<<"$reply"
    # Without compopt, as in bash 3.2, files are offered where nothing else is, and
    # the space is kept away by a second value, which begins as the only one.
    case $last in
    *nospace*)
        if ! compopt -o nospace 2>/dev/null && [[ ${#COMPREPLY[@]} -eq 1 ]]; then
            COMPREPLY[1]=${COMPREPLY[0]}.
        fi
        ;;
    esac
    case $last in
    *files*) compopt -o bashdefault -o default 2>/dev/null ;;
    *dirs*) compopt -o dirnames 2>/dev/null ;;
    esac
    return 0
}

if type compopt >/dev/null 2>&1; then
    complete -F FUNCTION PROGRAM
else
    complete -o bashdefault -o default -F FUNCTION PROGRAM
fi
