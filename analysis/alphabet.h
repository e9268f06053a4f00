/* A set of patterns fixed on one half of the sequences (groups 0-19) and tested on the other (groups 20-39), from a
 * scope's table `split`. */
#ifndef MOE_ALPHABET_H
#define MOE_ALPHABET_H

#include "analysis/counts.h"
#include "analysis/sheet.h"

struct moe_alphabet {
    double patterns;  /* in the set: the most frequent of the first half, patterns of equal count all or none */
    double smallest;  /* fewest patterns that hold that share of the first half */
    double first;     /* samples of the first half */
    double mass;      /* share of them in the set */
    double second;    /* samples of the second half */
    double escaped;   /* of them outside the set */
};

/* The patterns that hold at least 1 - escape of the first half, and what of the second falls outside. All 0 where the
 * table is absent.
 *
 * Ranks:  local
 * Errors: never fails
 */
struct moe_alphabet moe_alphabet_of(const struct moe_rows *split, double escape);

/* Mean code length of the second half's samples under add-1/2 smoothed frequencies of the first, over e^ln_alphabet
 * patterns; *longest gets the length of a pattern not seen there.
 *
 * Ranks:  local
 * Errors: never fails; NAN without samples in the second half
 */
double moe_alphabet_code(const struct moe_rows *split, double ln_alphabet, double *longest);

/* Independent sequences in the second half: its samples over the samples of a sequence, where all sequences have the
 * same number of them; NAN otherwise.
 *
 * Ranks:  local
 * Errors: never fails
 */
double moe_alphabet_units(const struct moe_counts *counts, double samples);

/* Adds to a scope's figures, or to the bounds (prefix "" or such as "path/"): K_eps, K_eps_escape, K_eps_escape_upper,
 * code_held_out and code_held_out_upper. The upper ones are CERTIFIED where the sequences are independent and of one
 * length, each with probability eta.
 *
 * Ranks:  local
 * Errors: never returns without memory
 */
void moe_add_alphabet(struct moe_sheet *sheet, const struct moe_counts *counts, const char *prefix, double escape,
                      double failure);

#endif
