# Completion of sidecarset for bash. What may follow is asked of the program itself, and names of the cluster.

_sidecarset() {
    local line=${COMP_LINE:0:COMP_POINT} words word directive candidates
    read -ra words <<<"$line"
    # What follows a space is a word that is still empty.
    [[ $line != *[[:space:]] ]] || words+=("")
    word=${words[-1]}
    mapfile -t candidates < <("${words[0]}" __complete "${words[@]:1}" 2>/dev/null)
    COMPREPLY=()
    ((${#candidates[@]} > 0)) || return 0
    directive=${candidates[-1]#:}
    unset 'candidates[-1]'
    if ((directive == 0)); then
        compopt -o default
        return 0
    fi
    ((directive & 2)) && compopt -o nospace
    # Help follows a tab. bash puts a candidate into the place of what comes after the last = or : of the word.
    local before=${word%"${word##*[=:]}"} candidate
    for candidate in "${candidates[@]}"; do
        candidate=${candidate%%$'\t'*}
        COMPREPLY+=("${candidate#"$before"}")
    done
}

complete -F _sidecarset sidecarset
