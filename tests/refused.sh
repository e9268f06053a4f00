# What scripts in cli/ share that look at faults: sourced after tap.sh.
#
#   small              settings that keep a run of any source under a second
#   start N COMMAND    runs a command on N ranks, alone for one, in time: bad input has to end fast
#   refused CODE PATTERN WORDS...
#                      the program, told WORDS, ends with CODE on each of $at ranks (1 by default) and says so in one
#                      line, which goes on with PATTERN
#   nothing_left       no file of results stands in this folder, whole or not (NAME.status may)

small="train.steps=2 train.batch=16 train.eval_batch=64 data.n=64 data.test_n=64 census.sequences=64 census.batch=64"
at=1

start() { # RANKS COMMAND...
    local ranks=$1
    shift
    if [ "$ranks" = 1 ]; then
        timeout -k 5 20 "$@"
    else
        TEST_TIMEOUT=20 on "$ranks" "$@"
    fi
}

# Warnings, progress and what mpiexec has to say do not count.
says() { # PATTERN
    grep '^moecensus: ' err | grep -v '^moecensus: warning: ' >said
    [ "$(wc -l <said)" = 1 ] && grep -q -E -e "^moecensus: $1" said
}

refused() {
    local code=$1 pattern=$2 ranks
    shift 2
    for ranks in $at; do
        expect_code "$code" start "$ranks" "$moecensus" "$@"
        ok "one line, and it says: $pattern" says "$pattern" || tap_show err
        [ "$ranks" != 1 ] || ok "nothing on standard output" test ! -s out
    done
}

nothing_left() {
    [ -z "$(find . -name '*.h5*')" ]
}
