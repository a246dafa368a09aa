# Completion of comagic for fish, made by: comagic completion fish
function _comagic_completion
    set -l response (env COMP_WORDS=(commandline -cp | string collect) \
        COMP_CWORD=(commandline -ct) _COMAGIC_COMPLETE=fish_complete comagic 2>/dev/null)
    for line in $response
        set -l item (string split -m 1 , -- $line)
        switch $item[1]
            case plain
                printf '%s\n' $item[2]
            case file
                set -l before (string match -r -- '^--[^=]*=' (commandline -ct))
                printf '%s\n' "$before"(__fish_complete_path $item[2])
        end
    end
end

complete --no-files --command comagic --arguments '(_comagic_completion)'
