# libmoempi: everything that communicates. Adding a module is one line in each list.

noinst_LIBRARIES += libmoempi.a
libmoempi_a_SOURCES = \
	%D%/calibrate.c \
	%D%/calibrate_work.c \
	%D%/census.c \
	%D%/checkpoint.c \
	%D%/claim.c \
	%D%/comm.c \
	%D%/exchange_mpi.c \
	%D%/findings.c \
	%D%/findings_read.c \
	%D%/h5append.c \
	%D%/h5create.c \
	%D%/h5file.c \
	%D%/h5frame.c \
	%D%/h5plan.c \
	%D%/h5read.c \
	%D%/h5sum.c \
	%D%/h5util.c \
	%D%/measurements.c \
	%D%/memory.c \
	%D%/parameters.c \
	%D%/plan.c \
	%D%/plan_json.c \
	%D%/plan_print.c \
	%D%/prediction.c \
	%D%/provenance.c \
	%D%/results.c \
	%D%/resume.c \
	%D%/routes_file.c \
	%D%/series.c \
	%D%/session.c \
	%D%/stop.c \
	%D%/verb_census.c \
	%D%/verb_plan.c \
	%D%/verb_train.c \
	%D%/words.c

noinst_HEADERS += \
	%D%/calibrate.h \
	%D%/census.h \
	%D%/checkpoint.h \
	%D%/claim.h \
	%D%/comm.h \
	%D%/exchange_mpi.h \
	%D%/findings.h \
	%D%/h5append.h \
	%D%/h5file.h \
	%D%/h5frame.h \
	%D%/h5plan.h \
	%D%/h5read.h \
	%D%/h5sum.h \
	%D%/h5util.h \
	%D%/measurements.h \
	%D%/memory.h \
	%D%/parameters.h \
	%D%/plan.h \
	%D%/prediction.h \
	%D%/provenance.h \
	%D%/results.h \
	%D%/resume.h \
	%D%/routes_file.h \
	%D%/series.h \
	%D%/session.h \
	%D%/stop.h \
	%D%/verbs.h \
	%D%/words.h

EXTRA_DIST += %D%/README.md
