/*
 * mimic_vector.c
 *	  Vectors of every kind, and what measures of them are in 113 bits.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "mimic_env.h"
#include "mimic_vector.h"

wide
wide_abs(wide x)
{
	return x < 0 ? -x : x;
}

wide
wide_sqrt(wide x)
{
	wide s = sqrtl((long double) x);

	return x == 0 ? 0 : (s + x / s) / 2;
}

double
mimic_element(kind of, uint64_t *seed)
{
	double u = 2 * mimic_uniform(seed) - 1;
	double v = mimic_uniform(seed);

	switch (of)
	{
		case UNIFORM:
			return u;
		case SKEWED:
			return u / (v + 1e-4) / (v + 1e-4);
		case MANY_SCALES:
			return ldexp(u, (int) mimic_below(seed, 2000) - 1000);
		case TINY:
			return u * 1e-300;
		case DENORMAL:
			return u * 0x1p-1030;
		case HUGE_ONES:
			return u * 1e300;
		case EDGE_OF_RANGE:
			return v < 0.2 ? DBL_MAX : v < 0.4 ? -DBL_MAX : u * DBL_MAX;
		case ZERO:
			return v < 0.5 ? 0.0 : -0.0;
		case CONSTANT:
			return 0.1;
		case TINY_CONSTANT:
			return 0.1 * 1e-300;
		case MOSTLY_ZERO:
			return v < 0.9 ? 0 : u;
		case FAR_MEAN:
			return 1e15 + (double) mimic_below(seed, 3);
		case HUGE_MEAN:
			return 1e300 * (1 + (double) mimic_below(seed, 5) * DBL_EPSILON);
		default:
			return (double) mimic_below(seed, 11) - 5;
	}
}

double *
mimic_vector(int64_t n, void **memory)
{
	*memory = malloc((size_t) n * sizeof(double) + 4);
	return (double *) (void *) ((char *) *memory + 4);
}

int
mimic_overflows(wide x)
{
	x = wide_abs(x) / (wide) 0x1p1023;
	return x > 2 - (wide) 0x1p-54 ? 1 : x > 2 - (wide) 0x1p-51 ? -1 : 0;
}

truth
mimic_truth(const void *a, const void *b, int64_t n)
{
	truth t = {.constant_x = true, .constant_y = true};
	wide mx = 0;
	wide my = 0;

	for (int64_t i = 0; i < n; i++)
	{
		mx += (wide) get(a, i) / n;
		my += (wide) get(b, i) / n;
		t.constant_x = t.constant_x && get(a, i) == get(a, 0);
		t.constant_y = t.constant_y && get(b, i) == get(b, 0);
	}
	for (int64_t i = 0; i < n; i++)
	{
		wide x = get(a, i);
		wide y = get(b, i);

		t.xy += x * y;
		t.abs_xy += wide_abs(x * y);
		t.xx += x * x;
		t.yy += y * y;
		t.dd += (x - y) * (x - y);
		t.cxy += (x - mx) * (y - my);
		t.cxx += (x - mx) * (x - mx);
		t.cyy += (y - my) * (y - my);
	}
	return t;
}

wide
mimic_product_error(const truth *t)
{
	return 0x1.01p-53 * (wide_abs(t->xy) + t->abs_xy) + (wide) 0x1p-1022 * 0x1.01p-53;
}

void
mimic_check_cosine(reco_measured status, double got, wide xy, wide xx, wide yy, double error,
				   double *worst)
{
	wide wanted;
	double off;

	if (xx == 0 || yy == 0)
	{
		assert_int_equal(status, RECO_UNDEFINED);
		return;
	}
	assert_int_equal(status, RECO_MEASURED);
	assert_true(got >= -1 && got <= 1);
	wanted = xy / (wide_sqrt(xx) * wide_sqrt(yy));
	off = (double) wide_abs((wide) got - wanted);
	if (off > *worst)
		*worst = off;
	if (off > error)
		fail_msg("%.17g instead of %.17g", got, (double) wanted);
}
