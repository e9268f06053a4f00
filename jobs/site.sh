# Your site, in one place. Source it where you send jobs from (`. jobs/site.sh`); every job sources it again.

# ---- Change what differs at your site.

# The modules that the program was built with.
# module load gcc openmpi hdf5 scalapack openblas gsl

# What starts the ranks inside a job: mpirun, or "srun --mpi=pmix". Not every MPI was built for srun.
launcher=mpirun

# sbatch takes these where its command line says nothing else; its manual page lists more such variables.
# export SBATCH_PARTITION=compute
# export SBATCH_ACCOUNT=myproject
# export SBATCH_MEM_PER_NODE=64G

# The network for MPI, where a node has several.
# export OMPI_MCA_btl_tcp_if_include=10.0.0.0/24 OMPI_MCA_oob_tcp_if_include=10.0.0.0/24

# The program; empty: the one built or installed with this folder, else the one on PATH.
moecensus=

# ---- Nothing below needs a change.

MOECENSUS_JOBS=$(cd "$(dirname "${BASH_SOURCE[0]-$0}")" && pwd)
export MOECENSUS_JOBS
if [ -z "$moecensus" ]; then
    for moecensus in "$MOECENSUS_JOBS/../moecensus" "$MOECENSUS_JOBS/../build/moecensus" \
        "$MOECENSUS_JOBS/../../../bin/moecensus" "$(command -v moecensus)"; do
        { [ ! -f "$moecensus" ] || [ ! -x "$moecensus" ]; } || break
    done
fi
. "$MOECENSUS_JOBS/mpi-env.sh"
command -v "${moecensus:-/}" >/dev/null ||
    { echo "site.sh: no program ${moecensus:-moecensus}: name it in $MOECENSUS_JOBS/site.sh" >&2 && false; }
