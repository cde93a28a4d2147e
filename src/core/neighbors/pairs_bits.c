/*
 * pairs_bits.c
 *	  The first ranks of each column as strings of bits, for counting in bit slices.
 *
 * Cost: a pass over the columns' first entries, and the bits' memory written once.
 */
#include "core/neighbors/pairs_build.h"
#include "core/data/parts.h"
#include "core/data/sorting.h"

/* Ranks that are also kept as bits; below HEAD_MIN it is not worth it. */
#define HEAD_MAX 4096
#define HEAD_MIN RECO_BIT_BLOCK

/*
 * Counting in bits pays where a column has many of the long rows.  With weights, which
 * are bytes then, the bits take at most twice the memory that a matrix of floats would.
 */
static int32_t
head_of(const reco_pairs *p)
{
	int64_t head = 0;

	/* 8 bytes an entry, or 16 with weights */
	if (p->columns > 0 && p->digits > 0)
		head = (p->integer ? 128 : 64) * p->entries / p->columns / p->digits;
	head = head < HEAD_MAX ? head : HEAD_MAX;
	head = head < p->rows ? head : p->rows;
	return head < HEAD_MIN ? 0 : (int32_t) (head / RECO_BIT_BLOCK * RECO_BIT_BLOCK);
}

/* The binary digits of the weights; 0 where they are not counted in bits. */
static int
digits_of(const reco_pair_sums *s, const reco_pairs *p)
{
	int digits = 1;

	if (p->weight || p->centered)
		return 0;
	while (p->integer && s->largest >= (float) (1 << digits))
		digits++;
	return digits;
}

/* The strings of columns from .. to - 1; that of column `columns` is empty. */
static void
fill_strings(void *arg, int64_t from, int64_t to)
{
	reco_pairs *p = arg;
	size_t digits = (size_t) p->digits;
	size_t stride = (size_t) p->head / 64 * digits;

	memset(p->bits + (size_t) from * stride, 0, (size_t) (to - from) * stride * sizeof(uint64_t));
	for (int64_t c = from; c < to && c < p->columns; c++)
	{
		int64_t e = p->column_start[c];

		for (; e < p->column_start[c + 1]; e++)
		{
			size_t k = p->rank16 ? p->rank16[e] : (size_t) p->rank32[e];
			uint64_t w = p->integer ? p->integer[e] : 1;
			uint64_t *word;

			if (k >= (size_t) p->head)
				break;
			word = p->bits + (size_t) c * stride + k / RECO_BIT_BLOCK * digits * RECO_BIT_WORDS +
				   k % RECO_BIT_BLOCK / 64;
			for (size_t d = 0; d < digits; d++)
				word[d * RECO_BIT_WORDS] |= ((w >> d) & 1) << (k & 63);
		}
		p->head_size[c] = (int32_t) (e - p->column_start[c]);
	}
}

reco_status
reco_pair_bits(const reco_env *env, const reco_pair_sums *s, reco_pairs *p)
{
	size_t columns = (size_t) p->columns + 1;

	p->digits = digits_of(s, p);
	p->head = head_of(p);
	if (p->head == 0)
		return RECO_OK;
	p->bits = env->alloc(env->arg,
						 (size_t) p->digits * columns * (size_t) p->head / 64 * sizeof(uint64_t));
	p->head_size = env->alloc(env->arg, columns * sizeof(int32_t));
	if (p->bits == NULL || p->head_size == NULL)
		return RECO_NO_MEMORY;
	return reco_share(env, p->columns + INT64_C(1), COLUMNS_PER_PIECE, fill_strings, p);
}
