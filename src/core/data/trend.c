/*
 * trend.c
 *	  What grows: items by the users of late against those before.
 *
 * Counts of rare events have the variance of their mean, so a difference of two
 * counts has that of their sum: growth is told from noise without a threshold on
 * the number of interactions.  Rows of one user are no independent events, so a user
 * counts once.
 *
 * Where time is a number nobody can say what is in the future, so a range is found that
 * one absurd number does not stretch: order statistics are selected by counting digits,
 * which depends on no order of the rows and takes memory of one size.
 */
#include "core/data/trend.h"

#include "core/data/sorting.h"

#include <math.h>

/* An unknown time. */
#define UNKNOWN INT64_MIN

/* Digits that times are selected by. */
#define DIGIT_BITS 16
#define DIGITS (1 << DIGIT_BITS)

static int
rows_of(const reco_triples *t, int64_t c)
{
	return c == t->chunks - 1 ? t->used : RECO_CHUNK_ROWS;
}

/* The times from low to high: how many there are, the earliest and the latest. */
typedef struct range
{
	int64_t rows;
	int64_t first;
	int64_t last;
} range;

static reco_status
time_range(const reco_triples *t, int64_t low, int64_t high, range *out)
{
	*out = (range){0, INT64_MAX, INT64_MIN};
	for (int64_t c = 0; c < t->chunks; c++)
	{
		const int64_t *time = reco_chunk_time(t, t->chunk[c]);

		for (int k = 0; k < rows_of(t, c); k++)
		{
			if (time[k] == UNKNOWN || time[k] < low || time[k] > high)
				continue;
			out->first = time[k] < out->first ? time[k] : out->first;
			out->last = time[k] > out->last ? time[k] : out->last;
			out->rows++;
		}
		if (t->env->poll(t->env->arg))
			return RECO_STOPPED;
	}
	return RECO_OK;
}

/*
 * Which time the rank-th is, in rising order from 0, of those in r: digit by digit, the
 * highest first, of the difference to the earliest.
 */
static reco_status
select_time(const reco_triples *t, const range *r, int64_t rank, int64_t *out)
{
	uint64_t span = (uint64_t) r->last - (uint64_t) r->first;
	uint64_t prefix = 0;
	int shift = 0;
	int64_t *count = t->env->alloc(t->env->arg, DIGITS * sizeof(int64_t));

	if (count == NULL)
		return RECO_NO_MEMORY;
	while (shift < 64 - DIGIT_BITS && span >> shift >> DIGIT_BITS)
		shift += DIGIT_BITS;
	for (; shift >= 0; shift -= DIGIT_BITS)
	{
		uint64_t digit = 0;

		memset(count, 0, DIGITS * sizeof(int64_t));
		for (int64_t c = 0; c < t->chunks; c++)
		{
			const int64_t *time = reco_chunk_time(t, t->chunk[c]);

			for (int k = 0; k < rows_of(t, c); k++)
			{
				uint64_t at = ((uint64_t) time[k] - (uint64_t) r->first) >> shift;

				if (time[k] != UNKNOWN && at >> DIGIT_BITS == prefix)
					count[at % DIGITS]++;
			}
			if (t->env->poll(t->env->arg))
			{
				t->env->release(t->env->arg, count);
				return RECO_STOPPED;
			}
		}
		while (rank >= count[digit])
			rank -= count[digit++];
		prefix = prefix << DIGIT_BITS | digit;
	}
	t->env->release(t->env->arg, count);
	*out = (int64_t) ((uint64_t) r->first + prefix);
	return RECO_OK;
}

/* a + b and a - b for b >= 0, at the ends of the type where they are beyond it. */
static int64_t
later(int64_t a, uint64_t b)
{
	return (uint64_t) INT64_MAX - (uint64_t) a < b ? INT64_MAX : (int64_t) ((uint64_t) a + b);
}

static int64_t
earlier(int64_t a, uint64_t b)
{
	return (uint64_t) a - (uint64_t) INT64_MIN < b ? INT64_MIN : (int64_t) ((uint64_t) a - b);
}

/* The range without what is farther from the middle of the rows than that is long. */
static reco_status
usual_range(const reco_triples *t, range *r)
{
	int64_t spared = r->rows / 100 > 0 ? r->rows / 100 : 1;
	int64_t low;
	int64_t high;
	uint64_t length;
	reco_status status;

	if (r->rows <= 2 * spared)
		return RECO_OK;
	status = select_time(t, r, spared, &low);
	if (status == RECO_OK)
		status = select_time(t, r, r->rows - 1 - spared, &high);
	if (status != RECO_OK)
		return status;
	length = (uint64_t) high - (uint64_t) low;
	if (length == 0)
		return RECO_OK;
	return time_range(t, earlier(low, length), later(high, length), r);
}

reco_status
reco_trend_periods(const reco_triples *t, int64_t period, int64_t now, reco_trend *trend)
{
	range r = {0};
	reco_status status = RECO_OK;

	if (t->has_time)
		status = time_range(t, INT64_MIN, period > 0 ? now : INT64_MAX, &r);
	if (status == RECO_OK && period == 0 && r.rows > 0)
		status = usual_range(t, &r);
	if (status != RECO_OK)
		return status;
	trend->any = r.rows > 0;
	trend->last = r.last;
	/* as unsigned numbers differences cannot overflow */
	trend->length =
		period > 0 ? (uint64_t) period : ((uint64_t) r.last - (uint64_t) r.first) / 10 + 1;
	return RECO_OK;
}

/* An item's users in the two periods, and the one who was counted last, from 1 on. */
typedef struct counts
{
	int32_t users[2];
	int32_t counted[2];
} counts;

reco_status
reco_trend_count(const reco_env *env, reco_trend *trend, int32_t users, int32_t items,
				 const int64_t *start, const reco_entry *entry, const int64_t *time)
{
	counts *count = zeroed(env, ((size_t) items + 1) * sizeof(counts));
	int64_t polled = 0;
	reco_status status = RECO_OK;

	if (count == NULL)
		return RECO_NO_MEMORY;
	for (int32_t u = 0; u < users && trend->any && status == RECO_OK; u++)
	{
		for (int64_t e = start[u]; e < start[u + 1] && status == RECO_OK; e++)
		{
			uint64_t age = ((uint64_t) trend->last - (uint64_t) time[e]) / trend->length;
			counts *c = &count[entry[e].item];

			if (stop_at_entry(env, e, &polled))
				status = RECO_STOPPED;
			if (time[e] == UNKNOWN || time[e] > trend->last || age > 1 || !(entry[e].value > 0) ||
				c->counted[age] == u + 1)
				continue;
			c->counted[age] = u + 1;
			c->users[age]++;
		}
	}
	for (int32_t i = 0; i < items; i++)
	{
		double recent = count[i].users[0];
		double before = count[i].users[1];

		trend->growth[i] = (float) ((recent - before) / sqrt(recent + before + 1));
	}
	env->release(env->arg, count);
	return status;
}
