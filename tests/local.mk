# Tests. The extension says how one is run: .unit is a program, .ranks a program on several numbers of ranks, .sh a
# bash script. X.unit and X.ranks are made from X.c; adding a test is one line in its list.

unit_tests = \
	%D%/unit/abundance.unit \
	%D%/unit/attention.unit \
	%D%/unit/bootstrap.unit \
	%D%/unit/bound.unit \
	%D%/unit/bounds.unit \
	%D%/unit/bounds_values.unit \
	%D%/unit/bracket.unit \
	%D%/unit/census.unit \
	%D%/unit/compare.unit \
	%D%/unit/config.unit \
	%D%/unit/config_check.unit \
	%D%/unit/data.unit \
	%D%/unit/degenerate.unit \
	%D%/unit/describe.unit \
	%D%/unit/estimators.unit \
	%D%/unit/expert.unit \
	%D%/unit/fit.unit \
	%D%/unit/gradients_double.unit \
	%D%/unit/idx.unit \
	%D%/unit/independent.unit \
	%D%/unit/kernels.unit \
	%D%/unit/layout.unit \
	%D%/unit/loss.unit \
	%D%/unit/matmul.unit \
	%D%/unit/model.unit \
	%D%/unit/model_gradients_double.unit \
	%D%/unit/optim.unit \
	%D%/unit/pattern.unit \
	%D%/unit/plan.unit \
	%D%/unit/planted.unit \
	%D%/unit/pool.unit \
	%D%/unit/random.unit \
	%D%/unit/readme.unit \
	%D%/unit/router.unit \
	%D%/unit/sampling.unit \
	%D%/unit/sequence.unit \
	%D%/unit/share.unit \
	%D%/unit/snapshot.unit \
	%D%/unit/special.unit \
	%D%/unit/text.unit \
	%D%/unit/torus.unit \
	%D%/unit/tree.unit \
	%D%/unit/twonn.unit

rank_tests = \
	%D%/ranks/census.ranks \
	%D%/ranks/exchange.ranks \
	%D%/ranks/experts.ranks \
	%D%/ranks/h5file.ranks \
	%D%/ranks/h5large.ranks \
	%D%/ranks/model.ranks \
	%D%/ranks/spectrum.ranks \
	%D%/ranks/sweep.ranks \
	%D%/ranks/tap.ranks \
	%D%/ranks/together.ranks \
	%D%/ranks/weights.ranks

script_tests = \
	%D%/cli/analyze.sh \
	%D%/cli/checkpoint-disk.sh \
	%D%/cli/compare.sh \
	%D%/cli/disk-full.sh \
	%D%/cli/faults.sh \
	%D%/cli/input-files.sh \
	%D%/cli/merge.sh \
	%D%/cli/on-ranks.sh \
	%D%/cli/output-files.sh \
	%D%/cli/plan.sh \
	%D%/cli/resume.sh \
	%D%/cli/sweep.sh \
	%D%/cli/traffic.sh \
	%D%/cli/usage.sh \
	%D%/rules/docs.sh \
	%D%/rules/layers.sh \
	%D%/rules/lines.sh \
	%D%/rules/lists.sh \
	%D%/rules/memory.sh \
	%D%/rules/symbols.sh

# A test in double precision is called X_double.unit and needs three lines more:
#   tests_unit_X_double_unit_SOURCES = %D%/unit/X_double.c
#   tests_unit_X_double_unit_CPPFLAGS = $(double_cppflags)
#   tests_unit_X_double_unit_LDADD = libmoe_double.a
tests_unit_gradients_double_unit_SOURCES = %D%/unit/gradients_double.c
tests_unit_gradients_double_unit_CPPFLAGS = $(double_cppflags)
tests_unit_gradients_double_unit_LDADD = libmoe_double.a
tests_unit_model_gradients_double_unit_SOURCES = %D%/unit/model_gradients_double.c
tests_unit_model_gradients_double_unit_CPPFLAGS = $(double_cppflags)
tests_unit_model_gradients_double_unit_LDADD = libmoe_double.a

# What a timing is held against, and programs that scripts drive.
check_PROGRAMS += %D%/timings/checkpoint %D%/timings/gemm %D%/timings/spectrum %D%/timings/estimators %D%/estimate_fof %D%/brackets %D%/flip
tests_timings_checkpoint_SOURCES = %D%/timings/checkpoint.c
tests_timings_gemm_SOURCES = %D%/timings/gemm.c
tests_timings_gemm_LDADD = libmoe.a
tests_timings_spectrum_SOURCES = %D%/timings/spectrum.c
tests_timings_estimators_SOURCES = %D%/timings/estimators.c
tests_estimate_fof_SOURCES = %D%/estimate_fof.c
tests_brackets_SOURCES = %D%/brackets.c
tests_flip_SOURCES = %D%/flip.c

check_PROGRAMS += $(unit_tests) $(rank_tests)
TESTS += $(unit_tests) $(rank_tests) $(script_tests)

TEST_EXTENSIONS = .unit .ranks .sh
tap_driver = env AM_TAP_AWK='$(AWK)' $(SHELL) $(top_srcdir)/build-aux/tap-driver.sh
UNIT_LOG_DRIVER = $(tap_driver)
UNIT_LOG_COMPILER = timeout -k 5 $${TEST_TIMEOUT-120}
RANKS_LOG_DRIVER = $(tap_driver)
RANKS_LOG_COMPILER = $(top_srcdir)/%D%/on-ranks
AM_RANKS_LOG_DRIVER_FLAGS = --ignore-exit
SH_LOG_DRIVER = $(tap_driver)
AM_SH_LOG_DRIVER_FLAGS = --ignore-exit
SH_LOG_COMPILER = timeout -k 5 $${SCRIPT_TIMEOUT-600} bash

RANKS = 1 2 3
AM_TESTS_ENVIRONMENT = \
	TOP_SRCDIR='$(abs_top_srcdir)'; export TOP_SRCDIR; \
	TOP_BUILDDIR='$(abs_top_builddir)'; export TOP_BUILDDIR; \
	MPIEXEC='$(MPIEXEC)'; export MPIEXEC; \
	AWK='$(AWK)'; export AWK; \
	RANKS='$(RANKS)'; export RANKS; \
	. '$(abs_top_srcdir)/jobs/mpi-env.sh';

noinst_HEADERS += %D%/routes.h %D%/simulate.h %D%/small.h %D%/sweeps.h %D%/tables.h %D%/tap.h
EXTRA_DIST += \
	$(script_tests) \
	%D%/data/APACHE-2.0.txt \
	%D%/data/README.md \
	%D%/data/estimator_vectors.json \
	%D%/data/expert_counts.csv \
	%D%/README.md \
	%D%/all.sh \
	%D%/all/brackets.sh \
	%D%/all/estimators.sh \
	%D%/all/fashion.sh \
	%D%/all/forward.sh \
	%D%/all/killed.sh \
	%D%/all/loads.sh \
	%D%/all/outside.sh \
	%D%/all/planted.sh \
	%D%/all/quickstart.sh \
	%D%/all/ranks.sh \
	%D%/all/recount.sh \
	%D%/all/requeue.sh \
	%D%/all/slurm.sh \
	%D%/all/stopped.sh \
	%D%/all/text.sh \
	%D%/all/xarray.sh \
	%D%/checks.py \
	%D%/checks.sh \
	%D%/compare_h5.py \
	%D%/count.sh \
	%D%/disk.sh \
	%D%/draws.py \
	%D%/estimators_mpmath.py \
	%D%/flips.py \
	%D%/forward.py \
	%D%/jobs.sh \
	%D%/kill-trials.sh \
	%D%/kill_at.c \
	%D%/loads.py \
	%D%/long/brackets.sh \
	%D%/long/killed.sh \
	%D%/long/ranks.sh \
	%D%/long/sanitizers.sh \
	%D%/long/seeds.sh \
	%D%/long/slurm.sh \
	%D%/lsan.supp \
	%D%/on-ranks \
	%D%/outside.R \
	%D%/outside.py \
	%D%/planted.py \
	%D%/pmpi_count.c \
	%D%/quiet.sh \
	%D%/ranges.py \
	%D%/recount.py \
	%D%/refused.sh \
	%D%/run \
	%D%/sanitize.sh \
	%D%/simulate.sh \
	%D%/slurm-cluster.sh \
	%D%/slurm.sh \
	%D%/speed \
	%D%/tap.sh \
	%D%/timings/checkpoint.sh \
	%D%/timings/estimators.sh \
	%D%/timings/plan.sh \
	%D%/timings/quickstart.sh \
	%D%/timings/spectrum.sh \
	%D%/timings/step.sh \
	%D%/valgrind.supp \
	%D%/xarray_open.py

# Parts of `make check`, such as `make check-ranks RANKS="2 5"`.
.PHONY: check-unit check-ranks check-scripts
check-unit:
	$(MAKE) $(AM_MAKEFLAGS) check TESTS='$(unit_tests)'
check-ranks:
	$(MAKE) $(AM_MAKEFLAGS) check TESTS='$(rank_tests)'
check-scripts:
	$(MAKE) $(AM_MAKEFLAGS) check TESTS='$(script_tests)'

# Scratch folders of tests that failed.
mostlyclean-local:
	-rm -rf scratch-*

# Counts what MPI is asked to send, by LD_PRELOAD.
check_DATA += %D%/pmpi_count.so
CLEANFILES += %D%/pmpi_count.so
EXTRA_DIST += %D%/pmpi_count.c
%D%/pmpi_count.so: %D%/pmpi_count.c
	$(AM_V_CCLD)$(MKDIR_P) %D% && $(CC) $(AM_CFLAGS) $(CFLAGS) -shared -fPIC -o $@ $(srcdir)/%D%/pmpi_count.c
