#compdef sidecarset
# Completion of sidecarset for zsh. What may follow is asked of the program itself, and names of the cluster.

_sidecarset() {
    local -a lines candidates
    local directive line word
    lines=("${(@f)$("${(Q)words[1]}" __complete "${(@Q)words[2,CURRENT]}" 2>/dev/null)}")
    directive=${lines[-1]#:}
    if [[ $directive == 0 ]]; then
        _files
        return
    fi
    # Help follows a tab; _describe wants a colon there, and none elsewhere.
    for line in "${(@)lines[1,-2]}"; do
        word=${line%%$'\t'*}
        if [[ $line == *$'\t'* ]]; then
            candidates+=("${word//:/\\:}:${line#*$'\t'}")
        else
            candidates+=("${word//:/\\:}")
        fi
    done
    if [[ $directive == 6 ]]; then
        _describe sidecarset candidates -S ''
    else
        _describe sidecarset candidates
    fi
}

# As a file of the function path it is called; otherwise it is read.
if [[ $funcstack[1] == _sidecarset ]]; then
    _sidecarset "$@"
else
    compdef _sidecarset sidecarset
fi
