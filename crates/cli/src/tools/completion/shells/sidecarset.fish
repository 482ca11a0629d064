# Completion of sidecarset for fish. What may follow is asked of the program itself, and names of the cluster.

function __sidecarset_complete
    set -l words (commandline --tokenize --cut-at-cursor --current-process)
    set -l word (commandline --current-token --cut-at-cursor)
    set -l lines ($words[1] __complete $words[2..-1] "$word" 2>/dev/null)
    if test "$lines[-1]" = ":0"
        __fish_complete_path "$word"
    else if test (count $lines) -gt 1
        printf '%s\n' $lines[1..-2]
    end
end

complete --command sidecarset --no-files --arguments '(__sidecarset_complete)'
