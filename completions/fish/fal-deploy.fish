# Completion of fal-deploy in fish 3.1 and later.
# Generated: change the template, not this file.

function __complete_fal_deploy
    # The program takes the quotes off; nothing is evaluated here. In the reply,
    # each line is a value, a tab and its description, and the last one says what
    # else to do.
    set -l line (commandline -pc | string collect)
    set -l reply (command fal-deploy __complete --shell fish --line "$line" 2>/dev/null </dev/null)
    set -q reply[1]; or return
    set -l last $reply[-1]
    set -e reply[-1]
    set -q reply[1]; and printf '%s\n' $reply
    # A file can be the value behind --flag=.
    set -l word (commandline -ct)
    set -l flag (string match -r -- '^--[^=]*=' "$word")
    set -l value (string replace -- "$flag" '' "$word")
    switch $last
        case '*files*'
            for f in (__fish_complete_path "$value")
                printf '%s\n' "$flag$f"
            end
        case '*dirs*'
            for f in (__fish_complete_directories "$value")
                printf '%s\n' "$flag$f"
            end
    end
end

complete -c fal-deploy -f -k -a '(__complete_fal_deploy)'
