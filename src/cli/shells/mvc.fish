# Completion of mvc in fish: the words come from `mvc __complete`.
function __mvc_complete
    set -l words (commandline -opc)
    set -l begun (commandline -ct)
    set -l program (string replace -r '^~' $HOME -- $words[1])
    set -l lines ($program __complete -- $words[2..-1] "$begun" 2>/dev/null)
    if test "$lines[1]" = ':files'
        __fish_complete_path "$begun"
    else if set -q lines[1]
        printf '%s\n' $lines
    end
end
complete -c mvc -f -a '(__mvc_complete)'
