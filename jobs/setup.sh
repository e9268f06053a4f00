#!/usr/bin/env bash
# Installs what is missing and builds moecensus.
#
#   jobs/setup.sh [run|test|all [DIRECTORY [CONFIGURE-ARGUMENT...]]]
#
# run: what the program needs (default); test: also what ./tests/run needs; all: also what ./tests/run --all needs.
# As root on a machine with apt-get, missing packages are installed. Otherwise they are listed and the script ends with
# 2. Builds in DIRECTORY (default: build, or in place where ./configure was run in place). Doing it again is cheap.
set -u
top=$(cd "$(dirname "$0")/.." && pwd)
tier=${1-run}
build=${2-}
[ $# -le 2 ] && set -- || shift 2

say() { echo "setup: $*" >&2; }

# ---- What is needed: a check that costs nothing, the Debian package, and where a cluster has it.
missing='' packages=''

need() { # NAME PACKAGES ELSEWHERE CHECK...
    local name=$1 package=$2 elsewhere=$3
    shift 3
    "$@" >/dev/null 2>&1 </dev/null && return
    missing+=$(printf '  %-24s %-38s %s' "$name" "$package" "$elsewhere")$'\n'
    packages+=" $package"
}

compiler() {
    local cc
    for cc in "${CC-}" mpicc cc gcc; do
        [ -n "$cc" ] && command -v "${cc%% *}" >/dev/null && echo "$cc" && return
    done
    return 1
}

has_header() { # HEADER [FLAG...]
    local header=$1
    shift
    # Not "-": the wrapper of Open MPI adds its folders only where it sees a file name.
    echo "#include <$header>" | $(compiler) ${CPPFLAGS-} "$@" -E -x c /dev/stdin >/dev/null
}

has_hdf5() {
    local name
    for name in hdf5-openmpi hdf5-mpich hdf5-mpi hdf5; do
        pkg-config --exists "$name" && has_header H5FDmpio.h $(pkg-config --cflags "$name") && return
    done
    [ -n "${HDF5_CFLAGS+set}" ] || has_header H5FDmpio.h
}

has_module() { # PYTHON-MODULE
    "${PYTHON-/usr/bin/python3}" -c "import $1"
}

need_run() {
    need "C compiler" "gcc libc6-dev" "module load gcc" has_header stdio.h
    need "make" make "ask the administrator" command -v make
    need "Autoconf" autoconf "module load autoconf" command -v autoreconf
    need "Automake" automake "module load automake" command -v automake
    need "pkg-config" pkg-config "module load pkgconf" command -v pkg-config
    need "MPI launcher" openmpi-bin "module load openmpi" command -v "${MPIEXEC-mpiexec}"
    need "MPI compiler wrapper" libopenmpi-dev "module load openmpi, or set CC" has_header mpi.h
    need "parallel HDF5" libhdf5-openmpi-dev "module load hdf5 built with that MPI" has_hdf5
    need "ScaLAPACK" libscalapack-openmpi-dev "module load scalapack" has_file 'libscalapack-openmpi.so'
    need "BLAS with C interface" libopenblas-pthread-dev "module load openblas" has_header cblas.h
    need "GSL" libgsl-dev "module load gsl" has_header gsl/gsl_version.h
    need "Random123" librandom123-dev "headers only: set CPPFLAGS" has_header Random123/philox.h
    need "inih" libinih-dev "build it: set CPPFLAGS and LDFLAGS" has_header ini.h
    need "Jansson" libjansson-dev "module load jansson" has_header jansson.h
    need "zlib" zlib1g-dev "module load zlib" has_header zlib.h
    need "xxHash" libxxhash-dev "module load xxhash" has_header xxhash.h
}

need_test() {
    need "Python with h5py" "python3-h5py python3-numpy" "module load python; set PYTHON" has_module h5py
}

need_all() {
    need "Python with xarray" "python3-xarray python3-h5netcdf" "pip install --user xarray h5netcdf" \
        has_module xarray,h5netcdf
    need "Python with mpmath" python3-mpmath "pip install --user mpmath" has_module mpmath
    need "Python with scikit-bio" python3-skbio "pip install --user scikit-bio" has_module skbio
    need "R with vegan" r-cran-vegan "module load R; install.packages('vegan')" Rscript -e 'library(vegan)'
    need "valgrind" valgrind "module load valgrind" command -v valgrind
    need "MPICH" "mpich libmpich-dev" "a second MPI, for the tests" command -v mpicc.mpich
    need "HDF5 of MPICH" libhdf5-mpich-dev "" pkg-config --exists hdf5-mpich
    need "ScaLAPACK of MPICH" libscalapack-mpich-dev "" has_file 'libscalapack-mpich.so'
    need "Fashion-MNIST" dataset-fashion-mnist "" test -d /usr/share/datasets/fashion-mnist
    need "King James text" bible-kjv "" command -v bible
    need "Slurm" "slurmctld slurmd slurm-client munge" "its daemons, for the tests" has_commands slurmctld slurmd \
        sbatch munged
    need "network namespaces" iproute2 "" command -v ip
}

has_commands() {
    local name
    for name in "$@"; do PATH=$PATH:/usr/sbin command -v "$name" || return; done
}

has_file() { # LIBRARY
    ls /usr/lib/*/"$1"
}

look() {
    missing='' packages=''
    need_run
    [ "$tier" = run ] || need_test
    [ "$tier" != all ] || need_all
}

install() {
    export DEBIAN_FRONTEND=noninteractive
    local get="apt-get -q -o DPkg::Lock::Timeout=600" log
    log=$(mktemp)
    say "installing$packages"
    compgen -G '/var/lib/apt/lists/*_Packages*' >/dev/null || $get update >"$log" 2>&1 </dev/null
    $get install -y --no-install-recommends $packages >>"$log" 2>&1 </dev/null ||
        { $get update && $get install -y --no-install-recommends $packages; } >>"$log" 2>&1 </dev/null ||
        { tail -n 20 "$log" >&2; say "apt-get could not install them"; }
    rm -f "$log"
}

case $tier in run | test | all) ;; *) sed -n '2,8s/^# \{0,1\}//p' "$0" >&2; exit 2 ;; esac
look
installed=no
if [ -n "$missing" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    install
    installed=yes
    look
fi
if [ -n "$missing" ]; then
    say "these are missing; install them, then run this again:"
    printf '  %-24s %-38s %s\n%s' "WHAT" "DEBIAN PACKAGE" "ON A CLUSTER" "$missing" >&2
    exit 2
fi

# ---- The build. Each stage logs to a file and shows its end only when it fails.
stage() { # TEXT LOG COMMAND...
    local text=$1 log=$2
    shift 2
    say "$text"
    "$@" >"$log" 2>&1 </dev/null && return
    tail -n 30 "$log" >&2
    say "$text: failed, see $log"
    exit 1
}

if [ -z "$build" ]; then
    build=$top/build
    [ ! -f "$top/config.status" ] || build=$top
fi
mkdir -p "$build" && cd "$build" || exit 1
if [ "$PWD" != "$top" ] && [ -f "$top/config.status" ]; then
    stage "removing the build in the source folder, which one beside it cannot bear" "$PWD/distclean.log" \
        make -C "$top" distclean
fi
if [ ! -f "$top/Makefile.in" ] || [ ! -x "$top/configure" ] ||
    [ -n "$(find "$top/configure.ac" "$top/Makefile.am" "$top"/*/local.mk -newer "$top/configure")" ]; then
    stage "autoreconf" "$PWD/autoreconf.log" autoreconf -fi "$top"
fi
arguments="$(printf '%q ' "$@")"
if [ "$PWD" != "$top" ]; then
    [ "$arguments" = "$(cat configured-with 2>/dev/null)" ] || rm -f Makefile
    printf '%s\n' "$arguments" >configured-with
fi
if [ ! -f Makefile ] || [ "$installed" = yes ]; then
    stage "configure in $PWD" "$PWD/configure.log" "$top/configure" -q "$@"
fi
stage "make in $PWD" "$PWD/make.log" make -j "$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)"
