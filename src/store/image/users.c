/*
 * users.c
 *	  Users of a version, read from the tables when they are asked for.
 *
 * Cost: an index probe a user; all users, for similar_users, audience and for user_knn, are
 * read once a version, and indexed where the algorithm asks for it.  Memory: that of one user
 * at a time, or of all; it counts against reco.max_memory.
 */
#include "store/image/users.h"

#include "access/detoast.h"
#include "access/htup_details.h"
#include "core/data/history.h"
#include "miscadmin.h"
#include "store/image/layer.h"
#include "store/image/load.h"
#include "store/image/sections.h"
#include "storage/bufmgr.h"
#include "store/tables/parts.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include <math.h>

typedef struct OneUser
{
	Serving *serving;
	ModelTable *table;
	reco_profile *profile;
	bool found;
} OneUser;

/* Items and values that are stored packed; false when they are damaged. */
static bool
decode_packed(Datum stored, int32 items, reco_profile *profile)
{
	struct varlena *history = reco_unpack(stored, VARHDRSZ + reco_history_bound(items));
	const uint8 *data;
	Size size;
	int32 *item;
	float *value;
	bool fits;

	if (history == NULL)
		return false;
	data = (const uint8 *) VARDATA_ANY(history);
	size = VARSIZE_ANY_EXHDR(history);
	profile->n = reco_history_count(data, size);
	if (profile->n < 0 || profile->n > items)
		return false;
	item = reco_row_alloc(profile->n, sizeof(int32));
	value = reco_row_alloc(profile->n, sizeof(float));
	profile->item = item;
	profile->value = value;
	fits = reco_history_decode(&reco_poll_env, data, size, items, item, value);
	if ((Pointer) history != DatumGetPointer(stored))
		pfree(history);
	return fits;
}

/* What counts as seen; false when it is damaged.  Where nothing is stored it is the history. */
static bool
decode_seen(TupleTableSlot *slot, int32 items, reco_profile *profile)
{
	reco_profile packed = {0};

	if (toast_raw_datum_size(slot->tts_values[COLUMN_SEEN]) == VARHDRSZ)
		return true;
	if (!decode_packed(slot->tts_values[COLUMN_SEEN], items, &packed))
		return false;
	profile->has = packed.item;
	profile->n_has = packed.n;
	return true;
}

static bool
read_user(void *arg, TupleTableSlot *slot)
{
	OneUser *one = arg;
	Serving *serving = one->serving;
	const RecoModel *model = &serving->model;
	reco_profile *profile = one->profile;
	RecoPart **part = reco_parts_user(serving->schema, model, slot->tts_values[COLUMN_PARTS]);

	one->found = true;
	profile->user = DatumGetInt32(slot->tts_values[COLUMN_NUMBER]) + 1;
	if (!decode_packed(slot->tts_values[COLUMN_CONTENT], model->items, profile))
		reco_damaged(serving->schema, "A user's history is not readable.");
	if (!decode_seen(slot, model->items, profile))
		reco_damaged(serving->schema, "What a user has seen is not readable.");
	reco_row_profile(model->member, part, profile);
	return false;
}

/* In the version's table or in that of its layer, which is opened here and closed. */
static bool
find_user(OneUser *one, bool in_layer, Datum user)
{
	Serving *serving = one->serving;
	ModelTable table;

	if (in_layer)
		reco_layer_open(&table, serving->schema, AccessShareLock);
	else
		reco_table_open(&table, serving->schema, true, AccessShareLock);
	one->table = &table;
	reco_check_policies(table.heap);
	reco_table_require_id(&table, serving->user_type);
	reco_table_scan(&table, serving->version, &user, GetActiveSnapshot(), read_user, one);
	if (!one->found)
		reco_table_require_unaltered(&table, GetActiveSnapshot());
	reco_table_close(&table);
	return one->found;
}

/* Who has nothing any more is nobody, but for what their factors would be drawn to. */
static void
forget(reco_profile *profile)
{
	*profile = (reco_profile){
		.center = profile->center, .members = profile->members, .member = profile->member};
}

bool
reco_serving_user(Serving *serving, Datum user, reco_profile *profile)
{
	OneUser one = {serving, NULL, profile, false};

	memset(profile, 0, sizeof(*profile));
	if (serving->epoch && find_user(&one, true, user))
	{
		if (profile->n > 0)
			return true;
		forget(profile);
		return false;
	}
	return find_user(&one, false, user);
}

typedef struct EachUser
{
	OneUser one;
	MemoryContext context;
	bool all; /* those as well who have nothing any more */
	RecoUserVisitor visit;
	void *arg;
	int64 users;
} EachUser;

static bool
visit_user(void *arg, ModelTable *table, bool in_layer, TupleTableSlot *slot)
{
	EachUser *each = arg;
	reco_profile profile = {0};
	int32 number = DatumGetInt32(slot->tts_values[COLUMN_NUMBER]);
	MemoryContext old = MemoryContextSwitchTo(each->context);

	each->one.table = table;
	each->one.profile = &profile;
	each->users++;
	if (number < 0 || number >= each->one.serving->users)
		reco_damaged(each->one.serving->schema, "The rows of its users do not belong together.");
	(void) read_user(&each->one, slot);
	MemoryContextSwitchTo(old);
	if (profile.n > 0 || !in_layer || each->all)
		each->visit(each->arg, number, slot->tts_values[COLUMN_ID], &profile);
	return true;
}

static void
each_user(EachUser *each)
{
	Serving *serving = each->one.serving;

	reco_layer_scan(serving, visit_user, each);
	if (each->users != serving->users - serving->forgotten)
		reco_damaged(serving->schema, psprintf("It has " INT64_FORMAT " of its %d users.",
											   each->users, serving->users - serving->forgotten));
}

void
reco_serving_each_user(Serving *serving, MemoryContext context, RecoUserVisitor visit, void *arg)
{
	each_user(&(EachUser){{serving}, context, false, visit, arg});
}

void
reco_serving_each_row(Serving *serving, MemoryContext context, RecoUserVisitor visit, void *arg)
{
	each_user(&(EachUser){{serving}, context, true, visit, arg});
}

/* A table of users that is asked for one after another. */
typedef struct UserProbe
{
	ModelTable table;
	TableProbe *probe;
	bool missed; /* somebody was not there */
} UserProbe;

static void
begin_probe(UserProbe *probe, const Serving *serving, bool in_layer)
{
	probe->missed = false;
	if (in_layer)
		reco_layer_open(&probe->table, serving->schema, AccessShareLock);
	else
		reco_table_open(&probe->table, serving->schema, true, AccessShareLock);
	reco_check_policies(probe->table.heap);
	reco_table_require_id(&probe->table, serving->user_type);
	probe->probe = reco_probe_begin(&probe->table, serving->version, GetActiveSnapshot());
}

/* A scan allocates between rows: a row is read in a context of its own. */
typedef struct ProbedUser
{
	OneUser one;
	MemoryContext context;
} ProbedUser;

static bool
read_probed(void *arg, TupleTableSlot *slot)
{
	ProbedUser *probed = arg;
	MemoryContext old = MemoryContextSwitchTo(probed->context);
	bool more = read_user(&probed->one, slot);

	MemoryContextSwitchTo(old);
	return more;
}

static bool
probe_user(UserProbe *probe, ProbedUser *probed, Datum user)
{
	OneUser *one = &probed->one;

	one->table = &probe->table;
	one->found = false;
	reco_probe(probe->probe, user, read_probed, probed);
	probe->missed = probe->missed || !one->found;
	return one->found;
}

static void
end_probe(UserProbe *probe)
{
	reco_probe_end(probe->probe);
	if (probe->missed)
		reco_table_require_unaltered(&probe->table, GetActiveSnapshot());
	reco_table_close(&probe->table);
}

void
reco_serving_some_rows(Serving *serving, MemoryContext context, const IdDict *users,
					   RecoUserVisitor visit, void *arg)
{
	UserProbe layer;
	UserProbe version;

	if (serving->epoch)
		begin_probe(&layer, serving, true);
	begin_probe(&version, serving, false);
	for (int32 u = 0; u < id_dict_count(users); u++)
	{
		Datum id = id_dict_id(users, u);
		reco_profile profile = {0};
		ProbedUser probed = {{serving, NULL, &profile, false}, context};

		reco_poll();
		if ((serving->epoch && probe_user(&layer, &probed, id)) ||
			probe_user(&version, &probed, id))
			visit(arg, profile.user - 1, id, &profile);
	}
	end_probe(&version);
	if (serving->epoch)
		end_probe(&layer);
}

bool
reco_serving_folded_in(Serving *serving, Datum user)
{
	reco_profile profile = {0};
	OneUser one = {serving, NULL, &profile, false};

	return serving->epoch && find_user(&one, true, user);
}

reco_profile
reco_serving_profile(const Serving *serving, int32 u)
{
	const reco_csr *seen = &serving->all->seen;
	reco_profile profile;

	reco_model_profile(&serving->model, &serving->all->histories, u, &profile);
	if (seen->start)
	{
		profile.has = seen->col + seen->start[u];
		profile.n_has = seen->start[u + 1] - seen->start[u];
	}
	return profile;
}

int32
reco_users_find(const ServingUsers *all, Datum user)
{
	int32 place = id_dict_find(all->ids, user);

	return place >= 0 && all->number ? all->number[place] : place;
}

bool
reco_users_id(const ServingUsers *all, int32 number, Datum *id)
{
	int32 low = 0;
	int32 high = id_dict_count(all->ids);

	if (all->number == NULL)
		low = number;
	while (all->number && low < high)
	{
		int32 middle = low + (high - low) / 2;

		if (all->number[middle] < number)
			low = middle + 1;
		else
			high = middle;
	}
	if (low >= id_dict_count(all->ids) || (all->number && all->number[low] != number))
		return false;
	*id = id_dict_id(all->ids, low);
	return true;
}

typedef struct UserLoad
{
	const Serving *serving;
	RecoBudget budget;
	IdDict *ids;
	int32 *number; /* of each id; NULL: the places are the numbers */
	int32 next;    /* the least number that the next row may have */
	RecoPartsLoad *parts;
	reco_csr histories;
	int64 slots; /* entries that there is room for */
	reco_csr seen;
	int64 seen_slots;
	MemoryContext row;
} UserLoad;

static void
append_history(UserLoad *load, TupleTableSlot *slot, int32 number)
{
	const Serving *serving = load->serving;
	reco_csr *all = &load->histories;
	reco_profile profile;
	MemoryContext old = MemoryContextSwitchTo(load->row);
	int64 at = all->start[number];

	if (!decode_packed(slot->tts_values[COLUMN_CONTENT], serving->model.items, &profile))
		reco_damaged(serving->schema, "The rows of its users do not belong together.");
	if (at + profile.n > load->slots)
	{
		int64 slots = (at + profile.n) * 3 / 2 + 65536;
		int32 *item = reco_budget_alloc(&load->budget, slots * sizeof(int32));
		float *value = reco_budget_alloc(&load->budget, slots * sizeof(float));

		reco_copy(item, all->col, at * sizeof(int32));
		reco_copy(value, all->value, at * sizeof(float));
		reco_budget_free(&load->budget, all->col);
		reco_budget_free(&load->budget, all->value);
		all->col = item;
		all->value = value;
		load->slots = slots;
	}
	reco_copy(all->col + at, profile.item, profile.n * sizeof(int32));
	reco_copy(all->value + at, profile.value, profile.n * sizeof(float));
	all->start[number + 1] = at + profile.n;
	MemoryContextSwitchTo(old);
	MemoryContextReset(load->row);
}

/* What counts as seen, where that is kept. */
static void
append_seen(UserLoad *load, TupleTableSlot *slot, int32 number)
{
	const Serving *serving = load->serving;
	reco_csr *all = &load->seen;
	reco_profile profile = {0};
	const int32 *seen;
	int64 n;
	MemoryContext old;
	int64 at;

	if (all->start == NULL)
		return;
	old = MemoryContextSwitchTo(load->row);
	if (!decode_packed(slot->tts_values[COLUMN_CONTENT], serving->model.items, &profile) ||
		!decode_seen(slot, serving->model.items, &profile))
		reco_damaged(serving->schema, "What a user has seen is not readable.");
	seen = reco_profile_seen(&profile, &n);
	at = all->start[number];
	if (at + n > load->seen_slots)
	{
		int64 slots = (at + n) * 3 / 2 + 65536;
		int32 *item = reco_budget_alloc(&load->budget, slots * sizeof(int32));

		reco_copy(item, all->col, at * sizeof(int32));
		reco_budget_free(&load->budget, all->col);
		all->col = item;
		load->seen_slots = slots;
	}
	reco_copy(all->col + at, seen, n * sizeof(int32));
	all->start[number + 1] = at + n;
	MemoryContextSwitchTo(old);
	MemoryContextReset(load->row);
}

/* Of whom no row is left nothing is known: they have no interactions, and zeros. */
static void
skip_numbers(UserLoad *load, int32 to)
{
	for (; load->next < to; load->next++)
	{
		load->histories.start[load->next + 1] = load->histories.start[load->next];
		if (load->seen.start)
			load->seen.start[load->next + 1] = load->seen.start[load->next];
		RECO_POLL_AT(load->next);
	}
}

static bool
load_user(void *arg, ModelTable *table, bool in_layer, TupleTableSlot *slot)
{
	UserLoad *load = arg;
	const Serving *serving = load->serving;
	int32 users = id_dict_count(load->ids);
	int32 number = DatumGetInt32(slot->tts_values[COLUMN_NUMBER]);

	if (number < load->next || number >= serving->users ||
		(load->number == NULL && number != users) || users == serving->users - serving->forgotten ||
		id_dict_add(load->ids, slot->tts_values[COLUMN_ID]) != users)
		reco_damaged(serving->schema, "The rows of its users do not belong together.");
	if (load->number)
		load->number[users] = number;
	skip_numbers(load, number);
	reco_parts_load_row(load->parts, slot->tts_values[COLUMN_PARTS], number);
	append_history(load, slot, number);
	append_seen(load, slot, number);
	load->next = number + 1;
	return true;
}

ServingUsers *
reco_users_load(const Serving *serving, MemoryContext context)
{
	UserLoad load = {serving};
	int32 known = serving->users - serving->forgotten;
	ServingUsers *users = MemoryContextAllocZero(context, sizeof(ServingUsers));
	MemoryContext scratch =
		AllocSetContextCreate(context, "reco users' parts", ALLOCSET_DEFAULT_SIZES);
	RecoModel model = serving->model;

	reco_budget_init(&load.budget, context);
	load.budget.held = true;
	reco_layer_check(serving);
	load.row = AllocSetContextCreate(context, "reco row", ALLOCSET_DEFAULT_SIZES);
	load.ids = id_dict_create(context, serving->user_type);
	id_dict_limit(load.ids, &load.budget, "serving");
	users->part = reco_users_parts(&model, context);
	load.parts =
		reco_parts_load(serving->schema, &model, RECO_OF_USERS, true, &load.budget, scratch);
	load.histories = (reco_csr){serving->users, serving->model.items};
	load.histories.start =
		reco_budget_alloc(&load.budget, ((Size) serving->users + 1) * sizeof(int64));
	load.histories.start[0] = 0;
	if (serving->forgotten > 0)
		load.number = reco_budget_alloc(&load.budget, ((Size) known + 1) * sizeof(int32));
	load.histories.col = reco_budget_alloc(&load.budget, sizeof(int32));
	load.histories.value = reco_budget_alloc(&load.budget, sizeof(float));
	if (reco_data_keeps_seen(&serving->options))
	{
		load.seen = (reco_csr){serving->users, serving->model.items};
		load.seen.start =
			reco_budget_alloc(&load.budget, ((Size) serving->users + 1) * sizeof(int64));
		load.seen.start[0] = 0;
		load.seen.col = reco_budget_alloc(&load.budget, sizeof(int32));
	}
	reco_layer_scan(serving, load_user, &load);
	if (id_dict_count(load.ids) != known)
		reco_damaged(serving->schema,
					 psprintf("It has %d of its %d users.", id_dict_count(load.ids), known));
	skip_numbers(&load, serving->users);
	id_dict_limit(load.ids, NULL, NULL);
	reco_parts_load_end(load.parts);
	users->ids = load.ids;
	users->number = load.number;
	users->histories = load.histories;
	users->seen = load.seen;
	for (int m = 0; m < model.members; m++)
		if (model.member[m].spec->algorithm->prepare_users)
			model.member[m].spec->algorithm->prepare_users(
				&model, &model.member[m], &users->histories, users->part[m], &load.budget);
	MemoryContextDelete(scratch);
	return users;
}
