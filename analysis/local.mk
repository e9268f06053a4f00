# libmoean: estimators and bounds on counted tables. Adding a module is one line in each list.

noinst_LIBRARIES += libmoean.a
libmoean_a_SOURCES = \
	%D%/abundance.c \
	%D%/bound.c \
	%D%/summary.c

noinst_HEADERS += \
	%D%/abundance.h \
	%D%/bound.h \
	%D%/summary.h
