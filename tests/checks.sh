# For scripts whose checks are made by Python or a program, after tests/tap.sh.
#
#   checks SCRIPT ARGUMENT...   runs tests/SCRIPT; each of its lines `ok TEXT` or `not ok TEXT` is a check, each
#                               `# TEXT` is passed on; a status that does not fit its checks, or no check, fails
#   take_checks NAME STATUS OUT ERR   the same with what a program NAME left behind: its status and two files

checks() {
    local status=0
    "$PYTHON" -B "$TOP_SRCDIR/tests/$1" "${@:2}" >checks.out 2>checks.err || status=$?
    take_checks "$1" $status checks.out checks.err
}

take_checks() {
    local line status=$2 seen=0 bad=0
    while IFS= read -r line; do
        case $line in
        "ok "* | "not ok "*)
            seen=$((seen + 1))
            [[ $line == ok* ]] || bad=$((bad + 1))
            [[ $line =~ ^(not )?ok\ ([0-9]+\ -\ )?(.*) ]]
            tap_result "$((${#BASH_REMATCH[1]} > 0))" "${BASH_REMATCH[3]}"
            ;;
        "#"*) echo "$line" ;;
        "1..0 # SKIP "*) skip 1 "${line#1..0 # SKIP }"; seen=1 ;;
        esac
    done <"$3"
    if [ $seen = 0 ] || [ $((status != 0)) != $((bad > 0)) ]; then
        tap_result 1 "$1 ran to its end (status $status, $seen checks)"
        tap_show "$4"
    fi
}
