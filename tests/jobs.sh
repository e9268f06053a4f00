# What scripts share that signal or kill a running job: sourced after tap.sh.
#
#   begin N COMMAND...     starts a command on N ranks in the background; $job is its process, out and err what it says
#   rank_pids N            waits until N ranks run; their processes are in ${pids[@]}
#   wait_until COMMAND...  waits for 20 seconds at most
#   finish                 waits for the end; its exit status is in $status
#   none_lives             no rank of the job runs any more
#   stated KEY FILE        the value of a key in a NAME.status
#   same FILE...           the file and whole/FILE hold the same

begin() { # RANKS COMMAND...
    local ranks=$1
    shift
    rm -f pid.*
    TEST_TIMEOUT=${TEST_TIMEOUT-60} on "$ranks" bash -c 'echo $$ >pid.$$; exec "$@"' rank "$@" >out 2>err </dev/null &
    job=$!
}

wait_until() { # COMMAND...
    local end=$((SECONDS + 20))
    until "$@"; do
        [ $SECONDS -lt $end ] || return 1
        sleep 0.01
    done
}

has_pids() { # N
    [ "$(cat pid.* 2>/dev/null | wc -l)" = "$1" ]
}

rank_pids() { # N
    wait_until has_pids "$1" && pids=($(cat pid.*))
}

finish() {
    status=0
    wait $job 2>tap.log || status=$?
}

none_lives() {
    local pid
    for pid in "${pids[@]}"; do
        [ "$(readlink "/proc/$pid/exe")" != "$(readlink -f "$moecensus")" ] || return 1
    done
}

stated() { # KEY FILE
    sed -n "s/^$1=//p" "$2"
}

same() { # FILE...
    local file
    for file in "$@"; do
        "$PYTHON" -B "$TOP_SRCDIR/tests/compare_h5.py" "whole/$file" "$file" || return 1
    done
}
