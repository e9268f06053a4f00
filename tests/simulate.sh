# For the scripts that simulate brackets, after tests/tap.sh and tests/checks.sh.
#
#   simulate RUNS SIZES RUNS SIZES   tests/brackets with so many samples of each law, at each of the SIZES, beside it
#                                    so many samples of sequences that repeat themselves, SIZES in tokens

laws="uniform-1e3 uniform-1e6 zipf-1.0 zipf-1.25 zipf-1.5 geometric dirichlet one-and-dust diffuse"

lane() { # RUNS SIZES LAW...
    local law
    for law in "${@:3}"; do
        "$TOP_BUILDDIR/tests/brackets" "$law" "$1" $2 >"$law.out"
        echo $? >"$law.status"
    done
}

simulate() {
    local law
    lane "$3" "$4" repetition &
    lane "$1" "$2" $laws
    wait
    for law in $laws repetition; do
        take_checks "brackets $law" "$(cat "$law.status")" "$law.out" /dev/null
    done
}
