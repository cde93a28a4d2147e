/*
 * stacking.c
 *	  Weights of a hybrid's members, by what was hidden from them.
 *
 * Threads fill a place for each user (engine.h); everything after that is on the main thread, in
 * the order of users.
 *
 * Memory: for each user, PLACES items with a number for each member; of users beyond what that
 * allows every second, third ... is taken.
 */
#include "core/scoring/stacking.h"

#include "core/base/slab.h"
#include "core/data/sorting.h"
#include "core/scoring/engine.h"

#include <math.h>

/* Items of a user, of all members' lists together; and of one member at most. */
#define PLACES 400
#define PLACES_EACH 100

/* Numbers that are kept of all users together. */
#define MOST_NUMBERS (INT64_C(1) << 25)

#define MOST_CUTOFF 100

/* Factors by which a weight is changed, and how often each is tried for all. */
static const double factors[] = {4, 2, 1.5, 1.2};
#define SWEEPS 4

/* A user whose lists are kept. */
typedef struct kept
{
	int32_t places;
	double ideal; /* dcg of the best list; 0: nothing counts */
} kept;

typedef struct stack
{
	const reco_stacking *s;
	const reco_env *env;
	int members;
	int32_t each;  /* items of a member's list */
	int32_t room;  /* places of a user */
	int32_t step;  /* between users that are taken */
	int32_t users; /* that are taken */
	int32_t cutoff;
	kept *kept;       /* users */
	bool *wanted;     /* users x room */
	float *scaled;    /* users x room x members */
	float *gain;      /* users: ndcg by the weights that are looked at */
	float *equal;     /* by equal ones */
	double *discount; /* cutoff */
	/* of values: sums over what all predict */
	double *gram; /* of each user: members x members, then members, then 1 and what is equal */
} stack;

/* What a worker owns. */
typedef struct own
{
	uint64_t *set;
	reco_ranked *ranked;
	int32_t *item;
	double *scaled;
} own;

static int32_t
longest(const reco_stacking *s)
{
	int64_t most = 0;

	for (int32_t at = 0; at < s->users; at++)
	{
		int64_t n = s->hidden.start[s->user[at] + 1] - s->hidden.start[s->user[at]];

		most = n > most ? n : most;
	}
	return (int32_t) most;
}

static void
stack_of(const reco_stacking *s, stack *k)
{
	int64_t numbers;

	*k = (stack){.s = s, .members = s->scorer->members};
	k->cutoff = s->cutoff > MOST_CUTOFF ? MOST_CUTOFF : s->cutoff;
	k->each = PLACES / k->members;
	k->each = k->each > PLACES_EACH ? PLACES_EACH : k->each;
	k->each = k->each < 2 * k->cutoff ? 2 * k->cutoff : k->each;
	k->each = k->each > s->scorer->head.items ? s->scorer->head.items : k->each;
	k->room = s->predicts ? longest(s) : k->each * k->members;
	numbers =
		s->predicts ? reco_stacking_sums(k->members) : (int64_t) k->room * (k->members + 1) + 1;
	k->step = (int32_t) (((int64_t) s->users * numbers + MOST_NUMBERS - 1) / MOST_NUMBERS);
	k->step = k->step < 1 ? 1 : k->step;
	k->users = (s->users + k->step - 1) / k->step;
}

static size_t
set_bytes(const stack *k)
{
	return RECO_SET_BYTES(k->s->scorer->head.items) + sizeof(uint64_t);
}

static size_t
own_room(const stack *k, char *memory, own *out)
{
	char *at = memory;
	own o;

	o.set = reco_take(&at, set_bytes(k));
	o.ranked = reco_take(&at, (size_t) k->each * sizeof(reco_ranked));
	o.item = reco_take(&at, (size_t) k->room * sizeof(int32_t));
	o.scaled = reco_take(&at, (size_t) k->room * (size_t) k->members * sizeof(double));
	if (out)
		*out = o;
	return (size_t) (at - memory);
}

static bool
profile_of(void *arg, int64_t at, reco_profile *profile)
{
	const stack *k = arg;
	const reco_hybrid_scorer *h = k->s->scorer;

	k->s->profile(k->s->arg, k->s->user[at * k->step], profile);
	for (int r = 0; r < h->rules; r++)
		if (reco_hybrid_is_about(&h->rule[r], profile))
			return false;
	return true;
}

/* The items of all members' lists, rising, to o->item; -1: stopped. */
static int32_t
list_items(const stack *k, reco_seat *seat, const own *o)
{
	int64_t have_seen;
	const int32_t *seen = reco_profile_seen(seat->profile, &have_seen);
	int32_t items = seat->scorer->items;
	int32_t n = 0;
	uint64_t *found = o->set;

	for (int64_t j = 0; j < have_seen; j++)
		reco_set_add(found, seen[j]);
	for (int m = 0; m < k->members; m++)
	{
		int32_t have = reco_hybrid_member_top(seat, m, found, k->each, o->ranked);

		if (have < 0)
			return -1;
		for (int32_t r = 0; r < have; r++)
			o->item[n++] = o->ranked[r].item;
	}
	memset(found, 0, set_bytes(k));
	for (int32_t r = 0; r < n; r++)
		reco_set_add(found, o->item[r]);
	n = 0;
	for (int32_t w = 0; w < (items + 63) / 64; w++)
		for (; found[w]; found[w] &= found[w] - 1)
			o->item[n++] = w * 64 + __builtin_ctzll(found[w]);
	return n;
}

/* Whether it was hidden, and is to be found. */
static bool
is_wanted(const reco_stacking *s, int32_t user, int32_t item)
{
	int64_t from = s->hidden.start[user];
	int64_t to = s->hidden.start[user + 1];

	while (from < to)
	{
		int64_t middle = from + (to - from) / 2;

		if (s->hidden.col[middle] < item)
			from = middle + 1;
		else
			to = middle;
	}
	return from < s->hidden.start[user + 1] && s->hidden.col[from] == item &&
		   (s->worth == NULL || s->worth[from] > 0);
}

static double
ideal_of(const stack *k, int32_t user)
{
	const reco_stacking *s = k->s;
	double ideal = 0;
	int32_t n = 0;

	for (int64_t e = s->hidden.start[user]; e < s->hidden.start[user + 1] && n < k->cutoff; e++)
		if (s->worth == NULL || s->worth[e] > 0)
			ideal += k->discount[n++];
	return ideal;
}

/* Keeps what members say of the items in their lists. */
static reco_status
visit_lists(void *arg, reco_worker *w, int64_t at)
{
	const stack *k = arg;
	int32_t user = k->s->user[at * k->step];
	kept *kept = &k->kept[at];
	bool *wanted = k->wanted + at * k->room;
	float *scaled = k->scaled + at * k->room * k->members;
	reco_status status;
	own o;

	(void) own_room(k, w->own, &o);
	kept->ideal = ideal_of(k, user);
	if (kept->ideal == 0)
		return RECO_OK;
	kept->places = list_items(k, w->seat, &o);
	if (kept->places < 0)
		return RECO_STOPPED;
	status = reco_hybrid_scaled(w->seat, o.item, kept->places, o.scaled);
	for (int32_t p = 0; p < kept->places && status == RECO_OK; p++)
		wanted[p] = is_wanted(k->s, user, o.item[p]);
	for (int32_t p = 0; p < kept->places * k->members && status == RECO_OK; p++)
		scaled[p] = (float) o.scaled[p];
	return status;
}

/* Adds up what is hidden of a user and all members predict. */
static reco_status
visit_values(void *arg, reco_worker *w, int64_t at)
{
	const stack *k = arg;
	const reco_stacking *s = k->s;
	int32_t user = s->user[at * k->step];
	int64_t from = s->hidden.start[user];
	int32_t n = (int32_t) (s->hidden.start[user + 1] - from);
	double *gram = k->gram + at * reco_stacking_sums(k->members);
	double *with = gram + k->members * k->members;
	reco_status status;
	own o;

	(void) own_room(k, w->own, &o);
	while (n > 0 && s->hidden.col[from + n - 1] >= w->seat->scorer->items)
		n--;
	status = reco_hybrid_scaled(w->seat, s->hidden.col + from, n, o.scaled);
	for (int32_t e = 0; e < n && status == RECO_OK; e++)
	{
		const double *x = o.scaled + (int64_t) e * k->members;
		double truth = s->truth ? s->truth[from + e] : 1;
		bool all = true;

		for (int m = 0; m < k->members; m++)
			all = all && !isnan(x[m]);
		if (!all)
			continue;
		for (int a = 0; a < k->members; a++)
		{
			for (int b = 0; b < k->members; b++)
				gram[a * k->members + b] += x[a] * x[b];
			with[a] += x[a] * truth;
		}
		with[k->members] += truth * truth;
		with[k->members + 1]++;
	}
	return status;
}

/* The ndcg of a user's list by some weights. */
static double
ndcg_of(const stack *k, int32_t u, const double *weight)
{
	const kept *kept = &k->kept[u];
	const float *scaled = k->scaled + (int64_t) u * k->room * k->members;
	const bool *wanted = k->wanted + (int64_t) u * k->room;
	bool averaged = k->s->scorer->scale == RECO_HYBRID_NONE;
	double best[MOST_CUTOFF];
	int32_t who[MOST_CUTOFF];
	int32_t have = 0;
	double dcg = 0;

	for (int32_t p = 0; p < kept->places; p++)
	{
		const float *x = scaled + (int64_t) p * k->members;
		double sum = 0;
		double weights = 0;
		int32_t r;

		for (int m = 0; m < k->members; m++)
			if (!isnan(x[m]) && weight[m] > 0)
			{
				sum += weight[m] * x[m];
				weights += weight[m];
			}
		if (weights == 0)
			continue;
		sum = averaged ? sum / weights : sum;
		if (have == k->cutoff && !(sum > best[have - 1]))
			continue;
		r = have < k->cutoff ? have++ : have - 1;
		for (; r > 0 && sum > best[r - 1]; r--)
		{
			best[r] = best[r - 1];
			who[r] = who[r - 1];
		}
		best[r] = sum;
		who[r] = p;
	}
	for (int32_t r = 0; r < have; r++)
		dcg += wanted[who[r]] ? k->discount[r] : 0;
	return dcg / kept->ideal;
}

/* The mean over users; -1: stopped. */
static double
mean_ndcg(const stack *k, const double *weight, float *each)
{
	double sum = 0;
	int32_t users = 0;
	int64_t done = 0;

	for (int32_t u = 0; u < k->users; u++)
	{
		double ndcg;

		if (k->kept[u].ideal == 0)
			continue;
		ndcg = ndcg_of(k, u, weight);
		each[u] = (float) ndcg;
		sum += ndcg;
		users++;
		if (stop_after(k->env, (int64_t) k->kept[u].places * k->members + 1, &done))
			return -1;
	}
	return users > 0 ? sum / users : 0;
}

/* Changes one weight as long as that is better.  False: stopped. */
static bool
climb(const stack *k, double *weight, double *value)
{
	for (size_t f = 0; f < sizeof(factors) / sizeof(factors[0]); f++)
		for (int sweep = 0, changed = 1; sweep < SWEEPS && changed; sweep++)
		{
			changed = 0;
			for (int m = 0; m < k->members; m++)
			{
				double was = weight[m];
				double best = was;
				const double tried[] = {was * factors[f], was / factors[f], f == 0 ? 0 : was};

				for (int t = 0; t < 3; t++)
				{
					double now;

					weight[m] = tried[t];
					if (tried[t] == was)
						continue;
					now = mean_ndcg(k, weight, k->gain);
					if (now < 0)
						return false;
					if (now > *value + 1e-9)
					{
						*value = now;
						best = tried[t];
						changed = 1;
					}
				}
				weight[m] = best;
			}
		}
	return true;
}

/* Whether users gain more than the standard error of their mean gain. */
static bool
is_gain(const stack *k)
{
	double sum = 0;
	double squares = 0;
	int32_t n = 0;

	for (int32_t u = 0; u < k->users; u++)
		if (k->kept[u].ideal > 0)
		{
			double gain = (double) k->gain[u] - k->equal[u];

			sum += gain;
			squares += gain * gain;
			n++;
		}
	if (n < 2 || !(sum > 0))
		return false;
	return sum / n > sqrt((squares - sum * sum / n) / (n - 1) / n);
}

static reco_status
weigh_lists(const stack *k, reco_stacked *out)
{
	double weight[RECO_HYBRID_MEMBERS];
	double value;

	for (int m = 0; m < k->members; m++)
		weight[m] = 1;
	out->equal = value = mean_ndcg(k, weight, k->equal);
	if (value < 0 || !climb(k, weight, &value))
		return RECO_STOPPED;
	for (int32_t u = 0; u < k->users; u++)
		out->users += k->kept[u].ideal > 0;
	reco_stacking_round(weight, k->members, true);
	out->best = mean_ndcg(k, weight, k->gain);
	if (out->best < 0)
		return RECO_STOPPED;
	out->found = is_gain(k);
	for (int m = 0; m < k->members; m++)
		out->weight[m] = out->found ? weight[m] : 1;
	return RECO_OK;
}

static reco_status
weigh_values(const stack *k, reco_stacked *out)
{
	reco_stacking_values(k->gram, k->users, k->members, out);
	return RECO_OK;
}

/* In one block. */
static size_t
rooms(const stack *k, char *memory, stack *out)
{
	char *at = memory;
	size_t users = (size_t) k->users + 1;
	size_t places = k->s->predicts ? 0 : users * (size_t) k->room;
	stack o = *k;

	o.kept = reco_take(&at, users * sizeof(kept));
	o.wanted = reco_take(&at, places * sizeof(bool));
	o.scaled = reco_take(&at, places * (size_t) k->members * sizeof(float));
	o.gain = reco_take(&at, users * sizeof(float));
	o.equal = reco_take(&at, users * sizeof(float));
	o.discount = reco_take(&at, MOST_CUTOFF * sizeof(double));
	o.gram = reco_take(
		&at, k->s->predicts ? users * (size_t) reco_stacking_sums(k->members) * sizeof(double) : 0);
	if (out)
		*out = o;
	return (size_t) (at - memory);
}

static reco_engine_options
options_of(const stack *k)
{
	return (reco_engine_options){.scorer = &k->s->scorer->head, .own = own_room(k, NULL, NULL)};
}

size_t
reco_stacking_bytes(const reco_stacking *s, int threads)
{
	stack k;
	reco_engine_options options;

	stack_of(s, &k);
	options = options_of(&k);
	return 4 * RECO_ALIGN + rooms(&k, NULL, NULL) + reco_engine_bytes(&options, threads);
}

reco_status
reco_stack(const reco_env *env, const reco_stacking *s, reco_stacked *out)
{
	stack k;
	reco_engine *engine = NULL;
	reco_engine_options options;
	reco_pass pass = {.profile = profile_of};
	reco_status status;
	char *memory;

	*out = (reco_stacked){0};
	stack_of(s, &k);
	memory = env->alloc(env->arg, rooms(&k, NULL, NULL) + 1);
	if (memory == NULL)
		return RECO_NO_MEMORY;
	(void) rooms(&k, memory, &k);
	k.env = env;
	memset(k.kept, 0, ((size_t) k.users + 1) * sizeof(kept));
	if (s->predicts)
		memset(k.gram, 0,
			   ((size_t) k.users + 1) * (size_t) reco_stacking_sums(k.members) * sizeof(double));
	for (int r = 0; r < MOST_CUTOFF; r++)
		k.discount[r] = 1 / log2(r + 2);
	options = options_of(&k);
	pass.users = k.users;
	pass.visit = s->predicts ? visit_values : visit_lists;
	pass.arg = &k;
	status = reco_engine_make(env, &options, &engine);
	if (status == RECO_OK)
		status = reco_engine_run(engine, &pass);
	reco_engine_free(engine);
	if (status == RECO_OK)
		status = s->predicts ? weigh_values(&k, out) : weigh_lists(&k, out);
	release(env, memory);
	return status;
}
