# libmoe: model, data and training. Plain C, no MPI, no HDF5. Adding a module is one line in each list.

noinst_LIBRARIES += libmoe.a
libmoe_a_SOURCES = \
	%D%/attention.c \
	%D%/backward.c \
	%D%/census.c \
	%D%/census_cells.c \
	%D%/census_records.c \
	%D%/census_tables.c \
	%D%/clock.c \
	%D%/config.c \
	%D%/config_check.c \
	%D%/config_print.c \
	%D%/cost.c \
	%D%/cost_pass.c \
	%D%/data.c \
	%D%/exchange_serial.c \
	%D%/expert.c \
	%D%/flow.c \
	%D%/flow_census.c \
	%D%/footprint.c \
	%D%/footprint_census.c \
	%D%/footprint_files.c \
	%D%/forward.c \
	%D%/idx.c \
	%D%/input.c \
	%D%/job.c \
	%D%/kernels.c \
	%D%/layout.c \
	%D%/loss.c \
	%D%/machine.c \
	%D%/machine_default.c \
	%D%/matmul.c \
	%D%/model.c \
	%D%/moe.c \
	%D%/optim.c \
	%D%/options.c \
	%D%/pass.c \
	%D%/pattern.c \
	%D%/planted.c \
	%D%/pool.c \
	%D%/progress.c \
	%D%/random.c \
	%D%/router.c \
	%D%/routes.c \
	%D%/snapshot.c \
	%D%/status.c \
	%D%/tally.c \
	%D%/text.c \
	%D%/torus.c \
	%D%/train.c \
	%D%/tree.c \
	%D%/values.c

noinst_HEADERS += \
	%D%/attention.h \
	%D%/census.h \
	%D%/clock.h \
	%D%/config.h \
	%D%/cost.h \
	%D%/cost_pass.h \
	%D%/data.h \
	%D%/exchange.h \
	%D%/expert.h \
	%D%/flow.h \
	%D%/footprint.h \
	%D%/idx.h \
	%D%/job.h \
	%D%/kernels.h \
	%D%/layout.h \
	%D%/loss.h \
	%D%/machine.h \
	%D%/matmul.h \
	%D%/model.h \
	%D%/moe.h \
	%D%/optim.h \
	%D%/options.h \
	%D%/pass.h \
	%D%/pattern.h \
	%D%/planted.h \
	%D%/pool.h \
	%D%/progress.h \
	%D%/random.h \
	%D%/real.h \
	%D%/router.h \
	%D%/routes.h \
	%D%/share.h \
	%D%/snapshot.h \
	%D%/status.h \
	%D%/tally.h \
	%D%/text.h \
	%D%/torus.h \
	%D%/train.h \
	%D%/tree.h

# The same sources with double as number type, for the gradient checks.
check_LIBRARIES += libmoe_double.a
libmoe_double_a_SOURCES = $(libmoe_a_SOURCES)
libmoe_double_a_CPPFLAGS = $(double_cppflags)
double_cppflags = $(AM_CPPFLAGS) -DMOE_DOUBLE

EXTRA_DIST += %D%/README.md
