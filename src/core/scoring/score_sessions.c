/*
 * score_sessions.c
 *	  Scorers of similar sessions: what came in sessions like this one.
 *
 * The lists of sessions of the items are merged, the newest first, until `sample` sessions have
 * been met; so nothing is kept for each session of the training, and what comes later in long
 * lists is not read.  Neighbors are found once for a user, sums gathered when they are asked for.
 *
 * What a neighbor adds to a score comes through the items that both sessions have: it is shared out
 * among them by their weights.
 *
 * Cost: sample times common items for the merge, and the items of the neighbors.
 */
#include "core/scoring/score_sessions.h"

#include "core/base/slab.h"
#include "core/data/sorting.h"

#include <math.h>

/* What a search in a session takes, in steps of a plain loop. */
#define SEARCH_STEPS 8

/* An item of the session, and how far its list has been read. */
typedef struct voice
{
	int64_t next;
	int64_t end;
	double weight;
	int32_t session; /* the next of its list */
	int32_t back;    /* events after the last one on the item */
} voice;

/* A session that has an item of this one. */
typedef struct candidate
{
	double similarity;
	int32_t session;
	int32_t back; /* of the last item that both have */
} candidate;

static inline bool
less_similar(candidate a, candidate b)
{
	return a.similarity < b.similarity || (a.similarity == b.similarity && a.session > b.session);
}

#define HEAP_ENTRY candidate
#define HEAP_WORSE(a, b) less_similar(a, b)
#include "core/base/heap.h"

/* The scratch after that of sums: this, a mark for each item, candidates and neighbors. */
typedef struct state
{
	int64_t size;                     /* items of the session */
	int32_t marked;                   /* of these so many have marks */
	int32_t voices;                   /* of these some have sessions */
	int32_t found;                    /* candidates */
	int32_t neighbors;                /* the most similar of these */
	int32_t item[RECO_SESSION_ITEMS]; /* the last one first */
	int32_t heap[RECO_SESSION_ITEMS]; /* voices, the one with the newest session on top */
	voice voice[RECO_SESSION_ITEMS];
} state;

typedef struct scratch
{
	state *s;
	float *mark; /* by item: its weight where the session has it */
	candidate *found;
	candidate *best;
} scratch;

static const reco_session_scorer *
sessions_of(const reco_scorer *scorer)
{
	return (const reco_session_scorer *) scorer;
}

static size_t
session_scratch(const reco_scorer *scorer)
{
	const reco_session_params *p = &sessions_of(scorer)->params;

	return reco_room(reco_sum_scratch_bytes(scorer)) + reco_room(sizeof(state)) +
		   reco_room((size_t) scorer->items * sizeof(float)) +
		   reco_room((size_t) p->sample * sizeof(candidate)) +
		   (size_t) p->neighbors * sizeof(candidate);
}

static scratch
scratch_of(const reco_seat *seat)
{
	const reco_scorer *scorer = seat->scorer;
	char *at = (char *) seat->scratch + reco_room(reco_sum_scratch_bytes(scorer));
	scratch out;

	out.s = (state *) at;
	at += reco_room(sizeof(state));
	out.mark = (float *) at;
	at += reco_room((size_t) scorer->items * sizeof(float));
	out.found = (candidate *) at;
	at += reco_room((size_t) sessions_of(scorer)->params.sample * sizeof(candidate));
	out.best = (candidate *) at;
	return out;
}

static inline double
decay_of(double distance, double length)
{
	return length > 0 ? exp(-distance / length) : 1;
}

void
reco_session_decays(const reco_session_params *params, double *decay)
{
	for (int d = 0; d < RECO_SESSION_DECAYS; d++)
		decay[d] = decay_of(d, params->distance);
}

/* How much an item counts that so many events of L come after. */
static inline double
place_weight(const reco_session_params *p, int64_t back, int64_t events)
{
	/* far back it would be 0, which is no mark */
	if (p->linear)
		return (double) (events - back) / (double) events;
	return fmax(decay_of((double) back, p->place), 1e-30);
}

static inline double
latest_weight(const reco_session_params *p, int32_t back)
{
	if (p->linear)
		return back < 10 ? 1 - back / 10.0 : 0;
	return decay_of(back, p->latest);
}

/* Marks the session's items, the last ones first, and opens their lists.  False to stop. */
static bool
mark_items(reco_seat *seat, const scratch *t)
{
	const reco_session_scorer *k = sessions_of(seat->scorer);
	const reco_profile *profile = seat->profile;
	const reco_csr *lists = &k->sessions.by_item;
	state *s = t->s;
	int64_t begin = profile->events - 1;
	int64_t done = 0;

	while (begin > 0 && !reco_begins_session(profile->moment, begin))
	{
		begin--;
		if (stop_after(&seat->env, 1, &done))
			return false;
	}
	for (int64_t e = profile->events - 1; e >= begin && s->marked < RECO_SESSION_ITEMS; e--)
	{
		int32_t item = profile->event[e];
		int64_t back = profile->events - 1 - e;

		if (stop_after(&seat->env, 2, &done))
			return false;
		if (t->mark[item] != 0)
			continue;
		t->mark[item] = (float) place_weight(&k->params, back, profile->events - begin);
		s->item[s->marked++] = item;
		if (lists->start[item] == lists->start[item + 1])
			continue;
		s->voice[s->voices++] =
			(voice){lists->start[item], lists->start[item + 1], t->mark[item],
					lists->col[lists->start[item]], back < INT32_MAX ? (int32_t) back : INT32_MAX};
	}
	/* of a session that is one of several, those that are looked at */
	s->size = begin > 0 ? s->marked : profile->n;
	return true;
}

/* Restores the heap of voices below root. */
static inline void
sift_voices(state *s, int32_t n, int32_t root)
{
	int32_t v = s->heap[root];

	for (int32_t child; (child = 2 * root + 1) < n; root = child)
	{
		if (child + 1 < n &&
			s->voice[s->heap[child + 1]].session < s->voice[s->heap[child]].session)
			child++;
		if (s->voice[s->heap[child]].session >= s->voice[v].session)
			break;
		s->heap[root] = s->heap[child];
	}
	s->heap[root] = v;
}

/*
 * A candidate from what the heap's voices say of the newest session that is left; they go on.  The
 * order in which their weights are added is that of their items.
 */
static candidate
next_candidate(const reco_session_scorer *k, state *s, int32_t *open)
{
	const int32_t *sessions = k->sessions.by_item.col;
	candidate c = {0, s->voice[s->heap[0]].session, INT32_MAX};
	bool speaks[RECO_SESSION_ITEMS] = {false};
	int32_t last = 0;
	int32_t first = RECO_SESSION_ITEMS;
	int64_t size =
		k->sessions.by_session.start[c.session + 1] - k->sessions.by_session.start[c.session];

	while (*open > 0 && s->voice[s->heap[0]].session == c.session)
	{
		int32_t number = s->heap[0];
		voice *v = &s->voice[number];

		speaks[number] = true;
		first = number < first ? number : first;
		last = number > last ? number : last;
		if (++v->next < v->end)
			v->session = sessions[v->next];
		else
			s->heap[0] = s->heap[--*open];
		sift_voices(s, *open, 0);
	}
	for (int32_t v = first; v <= last; v++)
		if (speaks[v])
		{
			c.similarity += s->voice[v].weight;
			c.back = s->voice[v].back < c.back ? s->voice[v].back : c.back;
		}
	if (k->params.normalized)
		c.similarity /= sqrt(fmax((double) s->size, 1) * (double) size);
	c.similarity *= decay_of(c.session, k->params.recency * k->sessions.by_session.rows);
	return c;
}

/* The row of a stored user; -1: of nobody who is stored. */
static inline int32_t
own_session(const reco_session_scorer *k, int32_t user)
{
	int32_t rows = k->sessions.by_session.rows;
	double row = user > 0 && user <= k->users ? k->sessions.row[user - 1] : -1;

	return row >= 0 && row < rows ? (int32_t) row : -1;
}

/* The newest sessions that have one of the items, but the user's own.  False to stop. */
static bool
find_candidates(reco_seat *seat, const scratch *t)
{
	const reco_session_scorer *k = sessions_of(seat->scorer);
	int32_t own = own_session(k, seat->profile->user);
	state *s = t->s;
	int32_t open = s->voices;
	int64_t done = 0;

	for (int32_t v = 0; v < open; v++)
		s->heap[v] = v;
	for (int32_t v = open / 2 - 1; v >= 0; v--)
		sift_voices(s, open, v);
	while (open > 0 && s->found < k->params.sample)
	{
		candidate c = next_candidate(k, s, &open);

		if (c.session != own)
			t->found[s->found++] = c;
		if (stop_after(&seat->env, 64, &done))
			return false;
	}
	return true;
}

static reco_status
session_open(reco_seat *seat)
{
	scratch t = scratch_of(seat);
	const reco_session_params *p = &sessions_of(seat->scorer)->params;
	int64_t done = 0;

	if (seat->profile->events == 0)
		return RECO_OK;
	if (!mark_items(seat, &t) || !find_candidates(seat, &t))
		return RECO_STOPPED;
	for (int32_t c = 0; c < t.s->found; c++)
	{
		heap_offer(t.best, &t.s->neighbors, p->neighbors, t.found[c]);
		if (stop_after(&seat->env, 16, &done))
			return RECO_STOPPED;
	}
	return RECO_OK;
}

static void
session_close(reco_seat *seat)
{
	scratch t = scratch_of(seat);

	reco_sum_close(seat);
	for (int32_t k = 0; k < t.s->marked; k++)
		t.mark[t.s->item[k]] = 0;
	memset(t.found, 0, (size_t) t.s->found * sizeof(candidate));
	memset(t.best, 0, (size_t) t.s->neighbors * sizeof(candidate));
	memset(t.s, 0, sizeof(*t.s));
}

static bool
session_is_personal(const reco_seat *seat)
{
	return scratch_of(seat).s->neighbors > 0;
}

/* What each item of a neighbor gets, but for its own weight and its distance. */
static inline double
part_of(const reco_session_scorer *k, const candidate *c)
{
	return c->similarity * latest_weight(&k->params, c->back);
}

/* The place in a neighbor of the last item that both have. */
static inline float
last_common(const reco_csr *sessions, const float *mark, int32_t session)
{
	float last = 0;

	for (int64_t e = sessions->start[session]; e < sessions->start[session + 1]; e++)
		if (mark[sessions->col[e]] != 0 && sessions->value[e] > last)
			last = sessions->value[e];
	return last;
}

/* What an item counts at a distance. */
static inline double
item_weight(const reco_session_scorer *k, int32_t item, float distance)
{
	double d = fabsf(distance);

	return k->weight[item] *
		   (d < RECO_SESSION_DECAYS ? k->decay[(int) d] : decay_of(d, k->params.distance));
}

static reco_status
session_gather(reco_seat *seat, const reco_sum_scratch *sums)
{
	const reco_session_scorer *k = sessions_of(seat->scorer);
	const reco_csr *sessions = &k->sessions.by_session;
	const reco_sum_scratch to = *sums;
	scratch t = scratch_of(seat);
	int64_t done = 0;

	for (int32_t c = 0; c < t.s->neighbors; c++)
	{
		int32_t session = t.best[c].session;
		float last = last_common(sessions, t.mark, session);
		double part = part_of(k, &t.best[c]);

		for (int64_t e = sessions->start[session]; e < sessions->start[session + 1]; e++)
		{
			int32_t item = sessions->col[e];

			reco_sum_add(&to, item, part * item_weight(k, item, sessions->value[e] - last), 1);
			if (stop_after(&seat->env, 3, &done))
				return RECO_STOPPED;
		}
		if (stop_after(&seat->env, 8, &done))
			return RECO_STOPPED;
	}
	return RECO_OK;
}

/* The place of an item in a session, or 0. */
static inline float
place_in(const reco_csr *sessions, int32_t session, int32_t item)
{
	int64_t at =
		reco_find(sessions->col, sessions->start[session], sessions->start[session + 1], item);

	return at < 0 ? 0 : sessions->value[at];
}

/* to look for one item in each neighbor takes about as long as to gather them all */
static const reco_sum_methods methods = {session_gather, NULL, NULL};

static reco_status
session_score(reco_seat *seat, float *score)
{
	return reco_sum_score(seat, &methods, score);
}

static reco_status
session_some(reco_seat *seat, const int32_t *item, int32_t n, float *score)
{
	return reco_sum_some(seat, &methods, item, n, score);
}

static int32_t
session_top(reco_seat *seat, const uint64_t *skip, int32_t n, reco_ranked *out)
{
	return reco_sum_top(seat, &methods, skip, n, out);
}

static reco_status
session_mark(reco_seat *seat, uint16_t *line)
{
	return reco_sum_mark(seat, &methods, line);
}

/* Shares out what a neighbor adds among the items that both have.  False to stop. */
static bool
share_out(reco_seat *seat, const scratch *t, int32_t session, double adds, double *contribution)
{
	const reco_csr *sessions = &sessions_of(seat->scorer)->sessions.by_session;
	const reco_profile *profile = seat->profile;
	double all = 0;
	int64_t done = 0;

	for (int pass = 0; pass < 2; pass++)
		for (int64_t e = sessions->start[session]; e < sessions->start[session + 1]; e++)
		{
			int32_t item = sessions->col[e];
			int64_t j;

			if (stop_after(&seat->env, SEARCH_STEPS, &done))
				return false;
			if (t->mark[item] == 0)
				continue;
			j = reco_find(profile->item, 0, profile->n, item);
			if (pass == 0)
				all += t->mark[item];
			else if (j >= 0)
				contribution[j] += adds * (t->mark[item] / all);
		}
	return !seat->env.poll(seat->env.arg);
}

static reco_status
session_explain(reco_seat *seat, int32_t item, double *contribution, double *baseline,
				bool *additive)
{
	const reco_session_scorer *k = sessions_of(seat->scorer);
	const reco_csr *sessions = &k->sessions.by_session;
	scratch t = scratch_of(seat);
	int64_t done = 0;

	*baseline = 0;
	for (int32_t c = 0; c < t.s->neighbors; c++)
	{
		int32_t session = t.best[c].session;
		float place = place_in(sessions, session, item);
		double adds;

		if (stop_after(&seat->env, SEARCH_STEPS, &done))
			return RECO_STOPPED;
		if (place == 0)
			continue;
		adds = part_of(k, &t.best[c]) *
			   item_weight(k, item, place - last_common(sessions, t.mark, session));
		*additive = *additive || adds != 0;
		if (!share_out(seat, &t, session, adds, contribution))
			return RECO_STOPPED;
	}
	return RECO_OK;
}

/* What comes in sessions like that of the item alone. */
static reco_status
session_similar(const reco_env *env, const reco_scorer *scorer, int32_t item, int32_t n,
				reco_similar *out, int32_t *count)
{
	static const float moment = 0;
	reco_profile profile = {.n = 1, .item = &item, .events = 1, .event = &item, .moment = &moment};
	uint64_t *skip = zeroed(env, RECO_SET_BYTES(scorer->items) + sizeof(uint64_t));
	reco_ranked *best = env->alloc(env->arg, ((size_t) n + 1) * sizeof(reco_ranked));
	reco_seat *seat = NULL;
	reco_status status = skip && best ? reco_seat_make(env, scorer, &seat) : RECO_NO_MEMORY;

	if (status == RECO_OK)
		status = reco_seat_open(seat, &profile);
	if (status == RECO_OK)
	{
		reco_set_add(skip, item);
		*count = reco_seat_top(seat, skip, n, best);
		status = *count < 0 ? RECO_STOPPED : RECO_OK;
	}
	for (int32_t r = 0; r < *count && status == RECO_OK; r++)
		out[r] = (reco_similar){best[r].score, best[r].item};
	if (status != RECO_OK)
		*count = 0;
	if (seat)
		reco_seat_close(seat);
	reco_seat_free(env, seat);
	release(env, skip);
	release(env, best);
	return status;
}

const reco_scorer_type reco_session_scorer_type = {
	.name = "sessions",
	.scratch = session_scratch,
	.open = session_open,
	.close = session_close,
	.is_personal = session_is_personal,
	.score = session_score,
	.score_some = session_some,
	.top = session_top,
	.is_sparse = reco_sum_is_sparse,
	.mark = session_mark,
	.take = reco_sum_take,
	.explain = session_explain,
	.similar = session_similar,
};
