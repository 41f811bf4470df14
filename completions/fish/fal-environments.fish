# Completion of fal-environments in fish 3.1 and later.
# Generated: change the template, not this file.

function __complete_fal_environments
    # The program takes the quotes off, and finds files; nothing is evaluated here.
    # In the reply, each value has a tab and its description behind it, and a NUL at
    # its end. The last one is for other shells.
    set -l line (commandline -pc | string collect)
    set -l reply (command fal-environments __complete --shell fish --null --line "$line" 2>/dev/null </dev/null | string split0)
    set -q reply[2]; and printf '%s\0' $reply[1..-2]
end

complete -c fal-environments -f -k -a '(__complete_fal_environments | string split0)'
