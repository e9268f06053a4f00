# The environment for MPI runs: sourced, never run. What the user has set stays as it is.

# Open MPI refuses root unless told twice.
if [ "$(id -u)" = 0 ]; then
    export OMPI_ALLOW_RUN_AS_ROOT="${OMPI_ALLOW_RUN_AS_ROOT-1}"
    export OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="${OMPI_ALLOW_RUN_AS_ROOT_CONFIRM-1}"
fi

# More ranks than cores: allow it, let waiting ranks give up the core, and do not pin two jobs to the same cores.
export OMPI_MCA_rmaps_base_oversubscribe="${OMPI_MCA_rmaps_base_oversubscribe-1}"
export OMPI_MCA_mpi_yield_when_idle="${OMPI_MCA_mpi_yield_when_idle-1}"
export OMPI_MCA_hwloc_base_binding_policy="${OMPI_MCA_hwloc_base_binding_policy-none}"

# With srun --mpi=pmix of Slurm 22.05: in its other pattern one start in twenty crashed or hung in MPI_Init.
export SLURM_PMIX_FENCE="${SLURM_PMIX_FENCE-ring}"

# The MPI-IO component that reports a full disk.
export OMPI_MCA_io="${OMPI_MCA_io-romio321}"

# Ranks are the parallelism; threads inside the BLAS would fight for the same cores.
export OPENBLAS_NUM_THREADS="${OPENBLAS_NUM_THREADS-1}"
export OMP_NUM_THREADS="${OMP_NUM_THREADS-1}"

# Both make OpenBLAS take kernels of another CPU: slower, and other bits.
unset OPENBLAS_CORETYPE OPENBLAS_L2_SIZE
