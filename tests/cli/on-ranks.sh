# tests/on-ranks and tests/tap.h: whatever goes wrong on one rank of several ends in a `not ok`.
. "${TOP_SRCDIR-.}/tests/tap.sh" || exit 1

program=$TOP_BUILDDIR/tests/ranks/tap.ranks
run() { # SECONDS MODE [STATUS]
    local seconds=$1
    shift
    TEST_TIMEOUT=$seconds RANKS=2 expect_code "$want" "$TOP_SRCDIR/tests/on-ranks" "$program" "$@"
}

want=0
run 30
has_line out '^1\.\.3$'
has_line out '^ok 3 - ranks add up \[2 ranks\]$'
run 30 skip
has_line out '^ok 4 - \[2 ranks\] # SKIP just to see$'

want=1
run 30 fail
has_line out '^not ok 4 - holds on all ranks but the last \[2 ranks\]$'
has_line out '^1\.\.4$'
has_line err '^# rank 1: holds on all ranks but the last'
run 30 numbers
has_line out '^not ok 10 - an array with a hole \[2 ranks\]$'
ok "none of seven wrong numbers passes" test "$(grep -c '^not ok' out)" = 7
has_line err 'rank 0: an array: worst at 2 of 3: got 0.5, want 0, error 0.125 > 0.1$'
run 30 abort
has_line out '^not ok .*ended with status 0, not'
has_line out '^not ok .*printed one plan, not 0'
run 30 exit
has_line out '^not ok .*printed one plan, not 0'
run 3 hang
has_line out '^not ok .*ended in time'
run 30 bail
has_line out '^not ok .*Bail out! this is the end'
run 30 plan
has_line out '^not ok .*ran the 4 checks it planned, not 3'
run 30 none 5
has_line out '^not ok .*ended with status 0, not 5'

RANKS="1 2" expect_code 0 "$TOP_SRCDIR/tests/on-ranks" "$program"
has_line out '^ok 6 - ranks add up \[2 ranks\]$'
has_line out '^1\.\.6$'
tap_done
