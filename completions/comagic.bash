# Completion of comagic for bash 4.4 or later, made by: comagic completion bash
_comagic_completion() {
    local response line
    mapfile -t response < <(
        IFS=$'\n'
        COMP_WORDS="${COMP_WORDS[*]}" COMP_CWORD=$COMP_CWORD \
            _COMAGIC_COMPLETE=bash_complete "$1" 2>/dev/null
    )
    COMPREPLY=()
    for line in "${response[@]}"; do
        case $line in
            plain,*) COMPREPLY+=("${line#*,}") ;;
            file,*) compopt -o default 2>/dev/null ;;
        esac
    done
}

complete -o nosort -F _comagic_completion comagic
