# Writing tests in shell: sourced by a bash script as `. "${TOP_SRCDIR-.}/tests/tap.sh"`.
#
# The script then stands in an empty folder of its own, which goes when all checks held and is kept when one failed.
# Every check prints one line of TAP, goes on and returns its verdict. The last line of a script is `tap_done`.
#
#   ok TEXT COMMAND...         the command succeeds (`ok "no file left" test ! -e x.h5`)
#   expect_code N COMMAND...   it ends with exactly N; what it wrote is in the files out and err
#   has_line FILE PATTERN      a line of FILE matches the extended regular expression
#   same_text GOT WANT         two files are equal
#   skip N WHY                 N checks cannot be made here
#   on N COMMAND...            runs a command on N ranks, under TEST_TIMEOUT (default 120 s)
#
# $moecensus is the program, $PYTHON a Python with h5py, $TOP_SRCDIR and $TOP_BUILDDIR are absolute.

TOP_SRCDIR=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
TOP_BUILDDIR=$(cd "${TOP_BUILDDIR-$TOP_SRCDIR/build}" && pwd) || exit 1
PYTHON=${PYTHON-$([ -x /usr/bin/python3 ] && echo /usr/bin/python3 || echo python3)}
moecensus=$TOP_BUILDDIR/moecensus
export TOP_SRCDIR TOP_BUILDDIR PYTHON
. "$TOP_SRCDIR/jobs/mpi-env.sh"

tap_count=0 tap_failed=0 tap_ended=no
tap_scratch=$(mktemp -d "$TOP_BUILDDIR/scratch-$(basename "$0" .sh)-XXXXXX") && cd "$tap_scratch" || exit 1

tap_leave() {
    [ "$tap_ended" = yes ] && [ "$tap_failed" = 0 ] && cd / && rm -rf "$tap_scratch" && return
    echo "# scratch folder kept: $tap_scratch"
}
trap tap_leave EXIT

tap_result() { # STATUS TEXT
    local not=
    [ "$1" = 0 ] || not="not "
    [ "$1" = 0 ] || tap_failed=$((tap_failed + 1))
    tap_count=$((tap_count + 1))
    echo "${not}ok $tap_count - ${2//#/ }"
    [ "$1" = 0 ]
}

tap_show() { # FILE...
    local file
    for file in "$@"; do
        [ ! -s "$file" ] || tail -n 25 "$file" | sed "s|^|# $(basename "$file"): |"
    done
}

ok() {
    local text=$1 status=0
    shift
    "$@" >tap.log 2>&1 || status=$?
    tap_result $status "$text" || { tap_show tap.log; false; }
}

expect_code() {
    local want=$1 got=0 words
    shift
    "$@" >out 2>err </dev/null || got=$?
    words="$*"
    tap_result $((got != want)) "exit code $want: ${words//$TOP_BUILDDIR\//}" ||
        { echo "# got exit code $got"; tap_show out err; false; }
}

has_line() {
    local status=0
    grep -q -E -e "$2" "$1" 2>tap.log || status=1
    tap_result $status "$1 has a line like $2" || { tap_show tap.log "$1"; false; }
}

same_text() {
    local status=0
    diff "$2" "$1" >tap.log 2>&1 || status=1
    tap_result $status "$1 equals $(basename "$2")" || { tap_show tap.log; false; }
}

skip() {
    local i
    for ((i = 0; i < $1; i++)); do
        tap_count=$((tap_count + 1))
        echo "ok $tap_count - # SKIP $2"
    done
}

on() {
    local ranks=$1
    shift
    timeout -k 5 "${TEST_TIMEOUT-120}" ${MPIEXEC-mpiexec} -n "$ranks" "$@"
}

tap_done() {
    tap_ended=yes
    echo "1..$tap_count"
    exit $((tap_failed > 0))
}
