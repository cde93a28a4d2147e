/*
 * scale.c
 *	  Passes over scores in lines of eight: from sums to scores, and from scores to means on one
 *	  scale, at one instruction set level.
 *
 * A number's place in its line is its lane, and what is added up is added up by lanes, so that
 * sums have the same bits at all levels, wherever lines begin, and with lines between them that
 * have no number.  Compiled without instructions that multiply and add in one.
 *
 * Cost: some cycles a line; bound by reading it.
 */
#include "core/isa/kernels.h"

#include <float.h>
#include <math.h>

typedef double d8 __attribute__((vector_size(64), may_alias));
typedef int64_t i8 __attribute__((vector_size(64), may_alias));
typedef float f8 __attribute__((vector_size(32), may_alias));
typedef int32_t n8 __attribute__((vector_size(32), may_alias));
typedef float f8u __attribute__((vector_size(32), may_alias, aligned(4)));

static inline f8
choose(n8 mask, f8 yes, f8 no)
{
	return (f8) (((n8) yes & mask) | ((n8) no & ~mask));
}

static inline d8
choose_double(i8 mask, d8 yes, d8 no)
{
	return (d8) (((i8) yes & mask) | ((i8) no & ~mask));
}

/* Which are neither infinite nor NaN. */
static inline n8
numbers(f8 x)
{
	f8 size = (f8) ((n8) x & INT32_MAX);

	return size <= (f8){0} + FLT_MAX;
}

void
RECO_NAME(reco_lines_take)(double *sum, const int32_t *line, int32_t n, float *score)
{
	d8 most = (d8){0} + FLT_MAX;

	for (int32_t l = 0; l < n; l++)
	{
		d8 *from = (d8 *) (sum + (size_t) line[l] * RECO_LINE);
		d8 x = *from;
		n8 has = __builtin_convertvector(x != 0, n8);

		x = choose_double(x > most, most, x);
		x = choose_double(x < -most, -most, x);
		*(f8 *) (score + (size_t) l * RECO_LINE) =
			choose(has, __builtin_convertvector(x, f8), (f8){0} - INFINITY);
		*from = (d8){0};
	}
}

void
RECO_NAME(reco_lines_range)(float *score, int32_t n, reco_lines_range *range)
{
	d8 sum = *(d8 *) range->sum;
	n8 count = *(n8 *) range->n;
	f8 least = *(f8 *) range->least;
	f8 most = *(f8 *) range->most;

	for (int32_t i = 0; i < n; i += RECO_LINE)
	{
		f8 x = *(f8 *) (score + i);
		n8 is = numbers(x);

		sum += __builtin_convertvector((f8) ((n8) x & is), d8);
		count -= is;
		x = choose(is, x, (f8){0} - INFINITY);
		most = choose(x > most, x, most);
		*(f8 *) (score + i) = x;
		x = choose(is, x, (f8){0} + INFINITY);
		least = choose(x < least, x, least);
	}
	*(d8 *) range->sum = sum;
	*(n8 *) range->n = count;
	*(f8 *) range->least = least;
	*(f8 *) range->most = most;
}

void
RECO_NAME(reco_lines_squares)(const float *score, int32_t n, double mean, double *sum)
{
	d8 squares = *(d8 *) sum;

	for (int32_t i = 0; i < n; i += RECO_LINE)
	{
		f8 x = *(const f8 *) (score + i);
		n8 is = numbers(x);
		d8 away = __builtin_convertvector((f8) ((n8) x & is), d8) - mean;

		away = (d8) ((i8) away & __builtin_convertvector(is, i8));
		squares += away * away;
	}
	*(d8 *) sum = squares;
}

void
RECO_NAME(reco_lines_mean)(const reco_lines_part *part, int parts, int32_t at, int32_t n,
						   float *out)
{
	for (int32_t i = 0; i < n; i += RECO_LINE)
	{
		d8 sum = {0};
		n8 any = {0};

		for (int k = 0; k < parts; k++)
		{
			f8 x = *(const f8 *) (part[k].score + at + i);
			n8 is = numbers(x);
			d8 scaled =
				(__builtin_convertvector((f8) ((n8) x & is), d8) - part[k].shift) * part[k].times;

			any |= is;
			sum += choose_double(__builtin_convertvector(is, i8), scaled, (d8){0} + part[k].none);
		}
		*(f8u *) (out + i) = choose(any, __builtin_convertvector(sum, f8), (f8){0} - INFINITY);
	}
}
