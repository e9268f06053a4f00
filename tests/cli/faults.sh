#!/bin/bash
# What goes wrong in the middle of a run: a rank is killed, a number is no longer finite, memory would not do. The job
# ends on all ranks within seconds and leaves no file that looks whole.
. "${TOP_SRCDIR-.}/tests/tap.sh" || exit 1
. "$TOP_SRCDIR/tests/refused.sh"

run="train $small"

# Memory.
at="1 3"
refused 1 'train: a census of 1000000000000 sequences may need [0-9]+ MB a rank, there are [0-9]+ MB \(use more ' \
    $run census.sequences=1e12
at=1
refused 1 'train: a census of 1000000000000 sequences may need 4000[0-9]{3} MB a rank, there are ' $run \
    data.tokens=1 model.layers=1 model.experts=2 model.top_k=1 model.gate=softmax-topk census.sequences=1e12 \
    census.keep_choices=1e12
at="1 3"
refused 1 'train: the history of 90000000 steps needs [0-9.]+ GB a rank, there are [0-9.]+ GB' $run train.steps=9e7 \
    model.layers=64
refused 1 'train: rank [0-9]: no memory for [0-9]+ x 4 bytes of [a-z]+ \(use more ranks, or a smaller model' $run \
    model.width=65536 model.expert_width=65536 model.experts=32767

# A library that spoils one element of one result of a matrix product on one rank, and counts the calls there. On all
# ranks but the first it can also refuse large blocks of memory.
cat >spoil.c <<'END_OF_C'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

typedef void gemm(int, int, int, int, int, int, float, const float *, int, const float *, int, float, float *, int);

static gemm *real;
static long calls, spoilt;
static int is_mine;

static int rank(void)
{
    const char *open_mpi = getenv("OMPI_COMM_WORLD_RANK"), *other = getenv("PMI_RANK");
    return atoi(open_mpi ? open_mpi : other ? other : "0");
}

void *aligned_alloc(size_t alignment, size_t size)
{
    const char *most = getenv("SPOIL_ABOVE");
    void *block;
    if (most && size > strtoul(most, NULL, 10) && rank() > 0)
        return NULL;
    return posix_memalign(&block, alignment, size) ? NULL : block;
}

void cblas_sgemm(int order, int ta, int tb, int m, int n, int k, float alpha, const float *a, int lda, const float *b,
                 int ldb, float beta, float *c, int ldc)
{
    if (!real) {
        real = (gemm *)dlsym(RTLD_NEXT, "cblas_sgemm");
        spoilt = atol(getenv("SPOIL_CALL"));
        is_mine = rank() == atoi(getenv("SPOIL_RANK"));
    }
    real(order, ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
    if (++calls == spoilt && is_mine)
        c[0] = NAN;
}

__attribute__((destructor)) static void tell(void)
{
    if (is_mine)
        fprintf(stderr, "calls: %ld\n", calls);
}
END_OF_C

spoil() { # RANKS CALL: on the last of so many ranks
    expect_code "$code" start "$1" env SPOIL_RANK=$(($1 - 1)) SPOIL_CALL="$2" LD_PRELOAD="$PWD/spoil.so" "$moecensus" \
        $run train.steps=20 train.eval_every=1000 -o spoilt
}

if ${CC-cc} -shared -fPIC -o spoil.so spoil.c -ldl 2>tap.log; then
    for ranks in 1 3; do
        code=0 spoil $ranks 0
        calls=$(sed -n 's/^calls: //p' err)
        ok "the library counts the calls ($calls)" test "${calls:-0}" -gt 1000
        rm -f spoilt.h5 spoilt.model.h5
        for call in $((calls / 2)) $((calls / 2 + 11)) $((calls / 2 + 77)); do
            code=3 spoil $ranks $call
            ok "one line, with the step" says 'train: step ([5-9]|1[0-5]): the (loss|gradient) is not finite \(' ||
                tap_show err
            ok "no file" nothing_left
        done
    done
    expect_code 1 start 3 env SPOIL_ABOVE=8000000 LD_PRELOAD="$PWD/spoil.so" "$moecensus" $run model.width=512 \
        model.expert_width=2048 model.experts=8 -o spoilt
    ok "of two ranks that run short together one says so" \
        says 'train: rank 1: no memory for [0-9]+ x 4 bytes of [a-z]+' || tap_show err
else
    skip 1 "no compiler"
fi

# A rank that is killed.
below() { # PID: its descendants
    local stat words parent
    for stat in /proc/[0-9]*/stat; do
        { read -r words <"$stat"; } 2>/dev/null || continue
        read -r _ parent _ <<<"${words##*) }"
        [ "$parent" = "$1" ] || continue
        stat=${stat#/proc/}
        echo "${stat%/stat}"
        below "${stat%/stat}"
    done
}

is_rank() { # PID
    [ "$(readlink "/proc/$1/exe")" = "$(readlink -f "$moecensus")" ]
}

wait_until() { # COMMAND...: for 20 seconds at most
    local end=$((SECONDS + 20))
    until "$@"; do
        [ $SECONDS -lt $end ] || return 1
        sleep 0.05
    done
}

none_lives() {
    local pid
    for pid in $ranks; do
        ! is_rank "$pid" || return 1
    done
}

three_ranks() {
    local pid
    ranks=
    for pid in $(below $job); do
        ! is_rank "$pid" || ranks="$ranks $pid"
    done
    [ "$(wc -w <<<"$ranks")" = 3 ]
}

# Runs a job of 3 ranks, kills its last rank as soon as COMMAND holds, and waits for the end.
kill_when() { # COMMAND WORDS...
    local reached=$1 job
    shift
    status=0
    rm -f killed.*
    TEST_TIMEOUT=60 on 3 "$moecensus" "$@" >out 2>err </dev/null &
    job=$!
    wait_until three_ranks && wait_until "$reached" && kill -KILL "${ranks##* }"
    since=$SECONDS
    wait $job 2>tap.log || status=$?
}

# A job that is past the place when the kill comes, so that COMMAND holds no more at the end, is tried anew.
killed_when() { # COMMAND WORDS...
    local ranks since status got=1 try
    for try in 1 2 3 4 5; do
        kill_when "$@"
        ! "$1" || [ $status = 0 ] || got=0
        [ $got != 0 ] || break
    done
    ok "the job has ranks$ranks, gets there ($1, try $try), and the last one is killed" test $got = 0
    ok "the job ends with a fault ($status), not out of time" test $status -ne 0 -a $status -ne 124
    ok "within seconds" test $((SECONDS - since)) -le 8
    ok "no rank lives on" wait_until none_lives
    ok "nothing that looks whole is left" eval '[ -z "$(find . -name "*.h5")" ]'
}

trains() {
    grep -q '^census of step 0: .* took ' err
}

killed_when trains $run train.steps=1000000 train.eval_every=1000000 -o killed
ok "nothing at all is left" nothing_left

writes() {
    [ -s killed.model.h5.part ]
}

killed_when writes $run train.steps=1 model.width=256 model.experts=32 model.expert_width=1024 -o killed
ok "the file it was writing has another name" test -e killed.model.h5.part
expect_code 0 start 1 "$moecensus" $run -o killed
ok "the next run writes its files and clears up" \
    eval '[ "$(echo killed*)" = "killed.h5 killed.model.h5 killed.status" ]'
rm killed.*
tap_done
