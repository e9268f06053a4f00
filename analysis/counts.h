/* The counts of one scope as analyses take them, from a results file or from somebody else's table. */
#ifndef MOE_COUNTS_H
#define MOE_COUNTS_H

#include <stdint.h>

enum { MOE_COUNT_GROUPS = 40 };

/* A table of whole numbers: rows of `width` columns, sorted by the leading ones. */
struct moe_rows {
    int64_t rows;
    int width;
    int64_t *value; /* [rows, width]; from moe_pool_new; null where the table is absent */
};

/* One scope. Tables are those of the results file of the same name; absent ones have null values. */
struct moe_counts {
    char path[64];            /* scope, or the name of an input file */
    double ln_worst;          /* ln of the worst-case number of patterns; NAN unknown */
    int64_t samples;          /* n = sum of j f_j; 0 where only incidence is known */
    int64_t sequences;        /* sampling units; 0 unknown */
    double sum_squared_lengths; /* sum over sequences of (samples in it)^2; NAN unknown */
    int independent;          /* sequences are independent of each other and of the model */
    struct moe_rows fof;      /* count patterns */
    struct moe_rows incidence;/* sequences patterns */
    int64_t one_sequence;     /* samples whose pattern stands in one sequence only; -1 unknown */
    double pairs_within;      /* sum over sequences and patterns of c^2; NAN unknown */
    struct moe_rows without_fof;          /* group count patterns */
    struct moe_rows without_incidence;    /* group sequences patterns */
    struct moe_rows without_one_sequence; /* group tokens */
    struct moe_rows without_pairs_within; /* group high low */
    struct moe_rows held_out; /* group count tokens */
    struct moe_rows split;    /* count patterns tokens */
    struct moe_rows growth;   /* sequences count patterns */
    struct moe_rows thinned;  /* count patterns */
};

#endif
