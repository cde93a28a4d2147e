/*
 * allocate.c
 *	  Users for campaigns: shortest augmenting paths over campaigns.
 *
 * A user who is placed does not matter to the search but for what moving them costs: from
 * campaign a to b it is the least v_ua - v_ub of those in a.  So the graph has a node for each
 * campaign and one for being left out, and the edges are tops of heaps, one for each pair of
 * nodes, of those users whom the search could move.  An entry whose user has moved since is
 * stale; it is dropped when it comes to the top, or when its heap is full.
 *
 * With the prices of campaigns taken off the values no edge is below 0 (but for rounding, which
 * counts as 0), so Dijkstra's search finds the way; it ends at the first node with a free place.
 */
#include "core/allocation/allocate.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* A user of campaign a, and what their move to b costs; valid while the user's stamp is this. */
typedef struct move
{
	double loss;
	int32_t user;
	uint32_t stamp;
} move;

/* Equal losses by user, so that the way does not depend on how a heap came about. */
static inline bool
comes_before(move a, move b)
{
	return a.loss < b.loss || (a.loss == b.loss && a.user < b.user);
}

/* The least loss on top. */
#define HEAP_ENTRY move
#define HEAP_WORSE(a, b) comes_before(a, b)
#include "core/base/heap.h"

typedef struct heap
{
	move *entry;
	int32_t n;
	int32_t room;
} heap;

typedef struct state
{
	const reco_env *env;
	const reco_candidates *c;
	int64_t *start;   /* of users: their candidates in `order` */
	int64_t *order;   /* candidates by user, then by campaign, each pair once */
	int64_t *end;     /* of users */
	int64_t *at;      /* of users: the place in `order`, or -1 */
	uint32_t *stamp;  /* of users: how often they have moved */
	int64_t *load;    /* of campaigns: users in them */
	heap *edge;       /* from a to b: a * (campaigns + 1) + b; the last node is out */
	double *price;    /* of nodes */
	double *distance; /* of nodes */
	int32_t *before;  /* of nodes: the node before, or -1: the user who comes in */
	int64_t *by;      /* of nodes: who moves there; from -1: the place in `order` of who comes in */
	bool *done;       /* of nodes */
	int64_t work;     /* since the last poll */
} state;

#define WORK_OF_A_POLL 100000

static bool
stopped(state *s, int64_t work)
{
	s->work += work;
	if (s->work < WORK_OF_A_POLL)
		return false;
	s->work = 0;
	return s->env->poll(s->env->arg);
}

static bool
is_free(const state *s, int32_t node)
{
	return node == s->c->campaigns || s->load[node] < s->c->budget[node];
}

static double
value_at(const state *s, int64_t place)
{
	return place < 0 ? 0 : s->c->value[s->order[place]];
}

static int32_t
campaign_at(const state *s, int64_t place)
{
	return place < 0 ? s->c->campaigns : s->c->campaign[s->order[place]];
}

static bool
is_stale(const state *s, const move *m)
{
	return s->stamp[m->user] != m->stamp;
}

/* Room for one entry more: without the stale ones, or in twice the memory. */
static reco_status
make_room(state *s, heap *h)
{
	int32_t kept = 0;
	int32_t room;
	move *larger;

	for (int32_t i = 0; i < h->n; i++)
		if (!is_stale(s, &h->entry[i]))
			h->entry[kept++] = h->entry[i];
	if (kept < h->n)
	{
		h->n = kept;
		for (int32_t i = kept / 2 - 1; i >= 0; i--)
			sift_down(h->entry, h->n, i);
	}
	if (stopped(s, h->room))
		return RECO_STOPPED;
	if (h->n <= h->room / 2 && h->room > 0)
		return RECO_OK;
	room = h->room > INT32_MAX / 2 ? -1 : h->room > 0 ? 2 * h->room : 8;
	larger = room < 0 ? NULL : s->env->alloc(s->env->arg, (size_t) room * sizeof(move));
	if (!larger)
		return RECO_NO_MEMORY;
	if (h->n > 0)
		memcpy(larger, h->entry, h->n * sizeof(move));
	if (h->entry)
		s->env->release(s->env->arg, h->entry);
	h->entry = larger;
	h->room = room;
	return RECO_OK;
}

static reco_status
push(state *s, int32_t from, int32_t to, move m)
{
	heap *h = &s->edge[(size_t) from * (s->c->campaigns + 1) + to];
	reco_status status = h->n == h->room ? make_room(s, h) : RECO_OK;

	if (status != RECO_OK)
		return status;
	h->entry[h->n++] = m;
	sift_up(h->entry, h->n - 1);
	return RECO_OK;
}

/* The user who leaves one node for the other at the least loss, or NULL. */
static const move *
cheapest(state *s, int32_t from, int32_t to)
{
	heap *h = &s->edge[(size_t) from * (s->c->campaigns + 1) + to];

	while (h->n > 0 && is_stale(s, &h->entry[0]))
	{
		h->entry[0] = h->entry[--h->n];
		if (h->n > 0)
			sift_down(h->entry, h->n, 0);
		s->work++;
	}
	return h->n > 0 ? &h->entry[0] : NULL;
}

/* A user is now at a place of `order`, or nowhere; whom they could make room for is told. */
static reco_status
put(state *s, int32_t user, int64_t place)
{
	reco_status status = RECO_OK;
	int32_t from = campaign_at(s, place);
	double value = value_at(s, place);

	s->at[user] = place;
	s->stamp[user]++;
	if (place < 0)
		return RECO_OK;
	for (int64_t e = s->start[user]; e < s->end[user] && status == RECO_OK; e++)
		if (e != place)
			status = push(s, from, campaign_at(s, e),
						  (move){value - value_at(s, e), user, s->stamp[user]});
	if (status == RECO_OK)
		status = push(s, from, s->c->campaigns, (move){value, user, s->stamp[user]});
	return status;
}

/* Dijkstra's next node: the nearest, of equal ones one with a free place, then by number. */
static int32_t
nearest(const state *s)
{
	int32_t best = -1;

	for (int32_t k = 0; k <= s->c->campaigns; k++)
		if (!s->done[k] && s->distance[k] < INFINITY &&
			(best < 0 || s->distance[k] < s->distance[best] ||
			 (s->distance[k] == s->distance[best] && is_free(s, k) && !is_free(s, best))))
			best = k;
	return best;
}

static void
reach(state *s, int32_t node, double distance, int32_t before, int64_t by)
{
	if (!s->done[node] && distance < s->distance[node])
	{
		s->distance[node] = distance;
		s->before[node] = before;
		s->by[node] = by;
	}
}

/* The shortest way of a user who comes in, to the first node with a free place. */
static int32_t
search(state *s, int32_t user)
{
	int32_t nodes = s->c->campaigns + 1;
	int32_t out = s->c->campaigns;
	int32_t node;

	for (int32_t k = 0; k < nodes; k++)
	{
		s->distance[k] = INFINITY;
		s->done[k] = false;
	}
	/* what the first step costs is below 0: made positive it would lose digits to what is large */
	for (int64_t e = s->start[user]; e < s->end[user]; e++)
	{
		int32_t k = campaign_at(s, e);

		reach(s, k, s->price[k] - value_at(s, e), -1, e);
	}
	reach(s, out, 0, -1, -1);
	while (!is_free(s, node = nearest(s)))
	{
		s->done[node] = true;
		for (int32_t to = 0; to < nodes; to++)
		{
			const move *m = s->done[to] ? NULL : cheapest(s, node, to);

			if (m)
				reach(s, to, s->distance[node] + fmax(0, m->loss - s->price[node] + s->price[to]),
					  node, m->user);
		}
		s->work += 2 * nodes;
	}
	return node;
}

/* Campaigns on the way that were nearer than its end are dearer by as much. */
static void
raise_prices(state *s, int32_t end)
{
	for (int32_t k = 0; k < s->c->campaigns; k++)
		if (s->done[k] && s->distance[k] < s->distance[end])
			s->price[k] += s->distance[end] - s->distance[k];
}

/* The place of a campaign among a user's candidates, or -1. */
static int64_t
place_of(const state *s, int32_t user, int32_t campaign)
{
	for (int64_t e = s->start[user]; e < s->end[user]; e++)
		if (campaign_at(s, e) == campaign)
			return e;
	return -1;
}

/* Everybody along the way moves, from its end on. */
static reco_status
move_along(state *s, int32_t user, int32_t end)
{
	reco_status status = RECO_OK;
	int32_t node = end;

	if (end < s->c->campaigns)
		s->load[end]++;
	while (s->before[node] >= 0 && status == RECO_OK)
	{
		int32_t moving = (int32_t) s->by[node];

		status = put(s, moving, place_of(s, moving, node));
		node = s->before[node];
	}
	if (status == RECO_OK)
		status = put(s, user, s->by[node]);
	return status;
}

static reco_status
bring_in(state *s, int32_t user)
{
	int32_t end;
	reco_status status;

	if (s->start[user] == s->end[user])
		return RECO_OK;
	end = search(s, user);
	raise_prices(s, end);
	status = move_along(s, user, end);
	if (status == RECO_OK && stopped(s, 64 + s->c->campaigns))
		status = RECO_STOPPED;
	return status;
}

/* Puts candidates of a value into the order of a key, those of one key as they were. */
static reco_status
sort_by(state *s, const int32_t *key, int64_t n, const int64_t *from, int64_t *to, int64_t *end,
		int32_t keys)
{
	for (int64_t k = 0; k < keys; k++)
	{
		end[k] = 0;
		if (stopped(s, 1))
			return RECO_STOPPED;
	}
	for (int64_t e = 0; e < n; e++)
	{
		end[key[from[e]]]++;
		if (stopped(s, 1))
			return RECO_STOPPED;
	}
	for (int64_t k = 0, sum = 0; k < keys; k++)
	{
		int64_t of_key = end[k];

		end[k] = sum;
		sum += of_key;
		if (stopped(s, 1))
			return RECO_STOPPED;
	}
	for (int64_t e = 0; e < n; e++)
	{
		to[end[key[from[e]]]++] = from[e];
		if (stopped(s, 1))
			return RECO_STOPPED;
	}
	return RECO_OK;
}

/* Each user's candidates by campaign; of a pair the first of the highest value. */
static reco_status
sort_candidates(state *s, int64_t *spare)
{
	const reco_candidates *c = s->c;
	int64_t n = 0;
	reco_status status;

	for (int64_t i = 0; i < c->n; i++)
	{
		if (c->value[i] > 0)
			s->order[n++] = i;
		if (stopped(s, 1))
			return RECO_STOPPED;
	}
	status = sort_by(s, c->campaign, n, s->order, spare, s->by, c->campaigns);
	if (status == RECO_OK)
		status = sort_by(s, c->user, n, spare, s->order, s->end, c->users);
	for (int32_t u = 0; u < c->users && status == RECO_OK; u++)
	{
		s->start[u] = u > 0 ? s->end[u - 1] : 0;
		s->at[u] = -1;
		s->stamp[u] = 0;
		if (stopped(s, 1))
			return RECO_STOPPED;
	}
	for (int32_t u = 0; u < c->users && status == RECO_OK; u++)
	{
		int64_t kept = s->start[u];

		for (int64_t e = s->start[u]; e < s->end[u]; e++)
		{
			if (kept == s->start[u] || campaign_at(s, kept - 1) != campaign_at(s, e))
				s->order[kept++] = s->order[e];
			else if (value_at(s, e) > value_at(s, kept - 1))
				s->order[kept - 1] = s->order[e];
		}
		if (stopped(s, s->end[u] - s->start[u] + 1))
			return RECO_STOPPED;
		s->end[u] = kept;
	}
	return status;
}

static void *
get(state *s, size_t n, size_t size, bool *ok)
{
	void *memory = *ok ? s->env->alloc(s->env->arg, n > 0 ? n * size : size) : NULL;

	*ok = memory != NULL;
	return memory;
}

static void
give_back(state *s, void *memory)
{
	if (memory)
		s->env->release(s->env->arg, memory);
}

static bool
make_state(state *s, double *price)
{
	size_t users = s->c->users;
	size_t nodes = (size_t) s->c->campaigns + 1;
	bool ok = true;

	s->start = get(s, users, sizeof(int64_t), &ok);
	s->end = get(s, users, sizeof(int64_t), &ok);
	s->order = get(s, s->c->n, sizeof(int64_t), &ok);
	s->at = get(s, users, sizeof(int64_t), &ok);
	s->stamp = get(s, users, sizeof(uint32_t), &ok);
	s->load = get(s, nodes, sizeof(int64_t), &ok);
	s->price = get(s, nodes, sizeof(double), &ok);
	s->distance = get(s, nodes, sizeof(double), &ok);
	s->before = get(s, nodes, sizeof(int32_t), &ok);
	s->by = get(s, nodes, sizeof(int64_t), &ok);
	s->done = get(s, nodes, sizeof(bool), &ok);
	s->edge = get(s, nodes * nodes, sizeof(heap), &ok);
	if (!ok)
		return false;
	memset(s->load, 0, nodes * sizeof(int64_t));
	memset(s->price, 0, nodes * sizeof(double));
	memset(s->edge, 0, nodes * nodes * sizeof(heap));
	if (price)
		memset(price, 0, s->c->campaigns * sizeof(double));
	return true;
}

static void
drop_state(state *s)
{
	size_t nodes = (size_t) s->c->campaigns + 1;

	for (size_t k = 0; s->edge && s->done && k < nodes * nodes; k++)
		give_back(s, s->edge[k].entry);
	give_back(s, s->edge);
	give_back(s, s->done);
	give_back(s, s->by);
	give_back(s, s->before);
	give_back(s, s->distance);
	give_back(s, s->price);
	give_back(s, s->load);
	give_back(s, s->stamp);
	give_back(s, s->at);
	give_back(s, s->order);
	give_back(s, s->end);
	give_back(s, s->start);
}

reco_status
reco_allocate(const reco_env *env, const reco_candidates *c, int64_t *chosen, double *price)
{
	state s = {.env = env, .c = c};
	bool made = make_state(&s, price);
	int64_t *spare = get(&s, c->n, sizeof(int64_t), &made);
	reco_status status = made ? sort_candidates(&s, spare) : RECO_NO_MEMORY;

	give_back(&s, spare);

	for (int32_t u = 0; u < c->users && status == RECO_OK; u++)
		status = bring_in(&s, u);
	for (int32_t u = 0; u < c->users && status == RECO_OK; u++)
	{
		chosen[u] = s.at[u] < 0 ? -1 : s.order[s.at[u]];
		status = stopped(&s, 1) ? RECO_STOPPED : RECO_OK;
	}
	if (status == RECO_OK && price)
		memcpy(price, s.price, c->campaigns * sizeof(double));
	drop_state(&s);
	return status;
}
