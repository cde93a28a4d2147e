/*
 * mimic_vector.h
 *	  Vectors of every kind, and what measures of them are in 113 bits.
 */
#ifndef RECO_TEST_MIMIC_VECTOR_H
#define RECO_TEST_MIMIC_VECTOR_H

#include <stdbool.h>
#include <stdint.h>

#include "core/similarity/vector.h"

/* Holds a product of two doubles exactly, and no square overflows it. */
typedef _Float128 wide;

extern wide wide_abs(wide x);
extern wide wide_sqrt(wide x);

/* The kinds of vectors. */
typedef enum kind
{
	UNIFORM,
	SKEWED, /* a few large elements */
	MANY_SCALES,
	TINY,     /* about 1e-300 */
	DENORMAL, /* below 2^-1022 */
	HUGE_ONES,
	EDGE_OF_RANGE, /* up to DBL_MAX, of both signs */
	ZERO,
	CONSTANT,
	TINY_CONSTANT,
	MOSTLY_ZERO,
	FAR_MEAN,  /* 1e15 and differences of 1 */
	HUGE_MEAN, /* 1e300 and small differences */
	WHOLE,
	KINDS
} kind;

/* An element of a vector of a kind. */
extern double mimic_element(kind of, uint64_t *seed);

/* Lengths that end otherwise in blocks and lanes. */
static const int64_t lengths[] = {0,  1,  2,  3,  4,   5,   7,   8,   9,
								  15, 16, 17, 31, 100, 511, 512, 513, 1500};

#define LENGTHS (int) (sizeof(lengths) / sizeof(lengths[0]))

/* n doubles at an odd address, with nothing to read after the last. */
extern double *mimic_vector(int64_t n, void **memory);

/* Elements of a vector at any address. */
static inline double
get(const void *a, int64_t i)
{
	return ((const reco_any_double *) a)[i];
}

static inline void
set(void *a, int64_t i, double value)
{
	((reco_any_double *) a)[i] = value;
}

/* Whether the nearest double is infinite: 1 yes, 0 no, -1 it is a matter of a rounding. */
extern int mimic_overflows(wide x);

typedef struct truth
{
	wide xy, xx, yy; /* about 0 */
	wide abs_xy;
	wide dd;            /* of the difference */
	wide cxy, cxx, cyy; /* about the means */
	bool constant_x, constant_y;
} truth;

extern truth mimic_truth(const void *a, const void *b, int64_t n);

/* Of a sum of rounded products, rounded to a double or, below these, once more. */
extern wide mimic_product_error(const truth *t);

/* Checks a cosine within an absolute error; the largest so far goes to *worst. */
extern void mimic_check_cosine(reco_measured status, double got, wide xy, wide xx, wide yy,
							   double error, double *worst);

#endif
