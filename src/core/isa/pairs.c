/*
 * pairs.c
 *	  The similarities of one row with a range of others, from the sums of their
 *	  products, at one instruction set level.
 *
 * Most pairs are no neighbors: a register of them at a time is compared with
 * what the lists ask for, and only those that may enter one are written out.
 *
 * Cost: one or two divisions and a few multiplications a pair; less where products are 0.
 */
#include "core/isa/kernels.h"

typedef int64_t vq __attribute__((vector_size(4 * VW), may_alias));
typedef int32_t vn __attribute__((vector_size(2 * VW), may_alias, aligned(4)));
typedef double vu __attribute__((vector_size(4 * VW), may_alias, aligned(8)));

static inline vd
load(const double *p)
{
	return (vd) * (const vu *) p;
}

static inline bool
any(vq mask)
{
	int64_t bits = 0;

	for (int l = 0; l < VD; l++)
		bits |= mask[l];
	return bits != 0;
}

int32_t
RECO_NAME(reco_pair_scan)(const reco_pair_row *row, const double *dot, const int32_t *count,
						  int32_t n, const double *floor, reco_pair *out)
{
	int32_t found = 0;
	int32_t b = 0;
	vd zero = {0};

	for (; b + VD <= n; b += VD)
	{
		vn c = count ? *(const vn *) (count + b) : (vn){0};
		vd d = dot ? load(dot + b) : __builtin_convertvector(c, vd);
		vd base = row->shrinkage - row->v * d;
		vd mine;
		vd theirs;
		vq wanted;

		/* of products that are 0 no similarity reaches what is above 0 */
		if (!any(d != 0))
			continue;
		mine = row->scale * d / (row->x * load(row->ys + b) + row->u + load(row->ws + b) + base);
		theirs = mine;
		if (!row->symmetric)
			theirs =
				row->scale * d / (load(row->xs + b) * row->y + load(row->us + b) + row->w + base);
		wanted = (mine >= row->floor + zero) | (theirs >= load(floor + b));
		if (count && row->min_support > 1)
			wanted &= __builtin_convertvector(c >= row->min_support, vq);
		if (!any(wanted))
			continue;
		for (int l = 0; l < VD; l++)
			if (wanted[l])
				out[found++] = (reco_pair){mine[l], theirs[l], b + l};
	}
	for (; b < n; b++)
	{
		double d = dot ? dot[b] : count[b];
		double base = row->shrinkage - row->v * d;
		double mine = row->scale * d / (row->x * row->ys[b] + row->u + row->ws[b] + base);
		double theirs = mine;

		if (!row->symmetric)
			theirs = row->scale * d / (row->xs[b] * row->y + row->us[b] + row->w + base);
		if ((mine >= row->floor || theirs >= floor[b]) &&
			(count == NULL || count[b] >= row->min_support))
			out[found++] = (reco_pair){mine, theirs, b};
	}
	return found;
}
