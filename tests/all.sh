# The parts of `tests/run --all`: sourced by it, with its variables and functions. Each build has a folder of its own.

check "make check, 1 to 5 ranks" "$build" check check RANKS="1 2 3 4 5"
check "whole runs (tests/all)" "$build" check-all check TESTS="$(scripts all)"
check "timings" "$build" check-timings check TESTS="$(scripts timings)"

strict_build() {
    setup all "$top/build-werror" --enable-werror && make -C "$top/build-werror" check TESTS=
}
step "build with --enable-werror" "$top/build-werror/part.log" strict_build

. "$top/tests/sanitize.sh"
step "build with ASan and UBSan" "$top/build-asan/part.log" setup all "$top/build-asan" CFLAGS="$sanitize_cflags" && {
    sanitized check "unit tests under ASan and UBSan" "$top/build-asan" check-unit check-unit
    sanitized check "rank tests under ASan and UBSan" "$top/build-asan" check-ranks check-ranks RANKS="1 3"
}

valgrind_train() {
    local folder=$build/scratch-valgrind
    . "$top/jobs/mpi-env.sh"
    rm -rf "$folder" && mkdir -p "$folder" && cd "$folder" || return
    timeout -k 5 600 "${MPIEXEC-mpiexec}" -n 2 valgrind -q --error-exitcode=99 --leak-check=full \
        --show-leak-kinds=definite --errors-for-leak-kinds=definite --keep-debuginfo=yes --num-callers=40 \
        --suppressions=/usr/share/openmpi/openmpi-valgrind.supp --suppressions="$top/tests/valgrind.supp" \
        "$build/moecensus" train train.steps=3 train.batch=16 train.eval_batch=64 data.n=64 data.test_n=64 \
        census.sequences=64 census.batch=32 && test -s moecensus.h5 && rm -rf "$folder"
}
step "training under valgrind" "$build/valgrind.log" valgrind_train

# MPICH has no setting that lets waiting ranks give up the core, so more ranks than cores are for short tests only.
step "build with MPICH" "$top/build-mpich/part.log" setup all "$top/build-mpich" CC=mpicc.mpich &&
    check "rank tests on 1 and 2 ranks of MPICH" "$top/build-mpich" check-2 check-ranks RANKS="1 2" &&
    check "rank tests on 3 ranks of MPICH" "$top/build-mpich" check-3 check RANKS=3 \
        TESTS="tests/ranks/tap.ranks tests/ranks/exchange.ranks tests/ranks/model.ranks"

found_scalapack() {
    grep -q '^SCALAPACK_LIBS = -lscalapack-openmpi' "$top/build-werror/Makefile" &&
        grep -q '^SCALAPACK_LIBS = -lscalapack-mpich' "$top/build-mpich/Makefile"
}
step "ScaLAPACK found for both MPIs" "$build/scalapack.log" found_scalapack

# From the tarball, and in place, each kind of test runs once more; all of them ran above.
some="$(cd "$top" && ls tests/unit/*.c | sed 's/\.c$/.unit/' | tr '\n' ' ') tests/ranks/model.ranks tests/cli/usage.sh"
step "make distcheck" "$build/distcheck.log" make -C "$build" distcheck TESTS="$some $(scripts rules)"

# The classic way, in place, from the tarball; then what make install puts where.
classic() {
    local folder=$build/classic
    rm -rf "$folder" && mkdir -p "$folder/tree" && cd "$folder/tree" || return
    tar -xzf "$build"/moecensus-*.tar.gz --strip-components=1 || return
    autoreconf -fi && ./configure --prefix=/usr && make && make check TESTS="$some" &&
        make install DESTDIR="$folder/root" &&
        "$folder/root/usr/bin/moecensus" train --help && test -x "$folder/root/usr/share/moecensus/jobs/quickstart" &&
        rm -rf "$folder"
}
step "autoreconf, configure, make and make install in place" "$build/classic.log" classic
