/*
 * cache.c
 *	  Model versions ready to serve.
 *
 * Tables are the truth; a version never changes once it is active, so what was
 * read of it stays right.  Each call reads the model's one-row table under its
 * own snapshot and takes the version named there: a refresh, a rollback or an
 * old snapshot needs no invalidation.  The nonce, drawn when a version is
 * trained, tells apart versions of the same number in a schema that was dropped
 * and made again, or restored.
 *
 * A version is read from its tables once, by whichever backend asks first, and
 * written to a file (image.c) that all backends map; where that is not possible, a
 * full disk for one, a backend keeps a copy of its own.
 *
 * Over a version lies a layer of users that were folded in since (layer.c): its epoch, in
 * the same row, changes with it, and is part of what a version is known by here.
 *
 * reco.forget_user() leaves nothing of a user in what sessions keep: it has them told that the
 * model's table changed, and at the end of the transaction in which they hear of it, be it the
 * next one, they drop what they have of the model.  Who makes a file of users by a snapshot from
 * before removes it again, and goes on with the map.
 *
 * Cost of a hit: one row read.  Memory: what is mapped is shared.
 */
#include "store/image/cache.h"

#include "access/xact.h"
#include "catalog/pg_namespace.h"
#include "miscadmin.h"
#include "storage/lock.h"
#include "store/image/image.h"
#include "store/image/load.h"
#include "store/image/sections.h"
#include "store/tables/layout.h"
#include "store/tables/rights.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#define MAX_SERVINGS 16

static Serving *servings[MAX_SERVINGS];
static uint64 use_counter;

/* Servings that were displaced while somebody served from them. */
static Serving *displaced;

static void
release(Serving *serving)
{
	for (int kind = 0; kind < RECO_IMAGES; kind++)
		reco_image_unmap(&serving->image[kind]);
	MemoryContextDelete(serving->context);
}

/* Frees what was displaced and nobody serves from any more. */
static void
free_displaced(void)
{
	Serving **place = &displaced;

	while (*place)
	{
		Serving *serving = *place;

		if (serving->pins > 0)
		{
			place = &serving->next_displaced;
			continue;
		}
		*place = serving->next_displaced;
		release(serving);
	}
}

/*
 * A call serves from a version until its memory context is reset, by an error as well.
 * What it displaces may be in use: while a request is served, code of a user may run - the
 * source, or the input function of an id's type - and ask for other models.
 */
typedef struct Pin
{
	MemoryContextCallback callback;
	Serving *serving;
} Pin;

static void
unpin(void *arg)
{
	Serving *serving = ((Pin *) arg)->serving;

	serving->pins--;
}

static void
pin(Serving *serving)
{
	Pin *held = palloc(sizeof(Pin));

	held->serving = serving;
	held->callback.func = unpin;
	held->callback.arg = held;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, &held->callback);
	serving->pins++;
}

static void
forget(Serving **place)
{
	(*place)->next_displaced = displaced;
	displaced = *place;
	*place = NULL;
}

/* Told of a change to the tables of models, at any moment: nothing is dropped here. */
static void
table_changed(Datum arg, Oid table)
{
	reco_layout_forget(table);
	for (int i = 0; i < MAX_SERVINGS; i++)
		if (servings[i] && (!OidIsValid(table) || servings[i]->table == table))
			servings[i]->expires = true;
}

static void
forget_expired(void)
{
	for (int i = 0; i < MAX_SERVINGS; i++)
		if (servings[i] && servings[i]->expires)
			forget(&servings[i]);
}

static void
at_end(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE ||
		event == XACT_EVENT_PARALLEL_COMMIT || event == XACT_EVENT_PARALLEL_ABORT)
	{
		forget_expired();
		free_displaced();
	}
}

void
reco_cache_init(void)
{
	RegisterXactCallback(at_end, NULL);
	CacheRegisterRelcacheCallback(table_changed, (Datum) 0);
}

/*
 * The place for a new version: an empty one, or the least recently used.  Other
 * versions of the model go: they keep the disk space of files that are gone.
 */
static Serving **
free_place(Oid schema)
{
	Serving **place = &servings[0];

	for (int i = 0; i < MAX_SERVINGS; i++)
		if (servings[i] && servings[i]->schema == schema)
			forget(&servings[i]);
	for (int i = 0; i < MAX_SERVINGS; i++)
	{
		if (servings[i] == NULL)
			return &servings[i];
		if (servings[i]->used < (*place)->used)
			place = &servings[i];
	}
	forget(place);
	return place;
}

/*
 * Policies on the tables of a cached version are looked for each time.  False when the
 * tables' ids are of other types now.
 */
static bool
check_tables(const Serving *serving)
{
	bool same = true;

	reco_version_check(serving->schema);
	for (int is_user = 0; is_user <= 1; is_user++)
	{
		ModelTable table;

		reco_table_open(&table, serving->schema, is_user, AccessShareLock);
		reco_check_policies(table.heap);
		same = same && reco_table_id_is(&table, is_user ? serving->user_type : serving->item_type);
		reco_table_close(&table);
	}
	return same && (serving->epoch == 0 || serving_check_layer(serving));
}

/* From the image of a version, or NULL when there is none. */
static Serving *
from_image(const ModelRow *row)
{
	VersionRow version;
	Serving *serving;

	if (!reco_image_exists(row->schema, row->active_version, row->active_nonce))
		return NULL;
	serving = reco_serving_describe(row, &version);
	if (reco_image_map(serving, RECO_IMAGE_ITEMS))
		return serving;
	MemoryContextDelete(serving->context);
	return NULL;
}

/*
 * Keeps backends that ask for a new version at the same time from reading it all
 * at once: all but the first wait for the image.
 */
static void
lock_making(Oid schema, int32 version, LOCKTAG *tag)
{
	SET_LOCKTAG_ADVISORY(*tag, MyDatabaseId, schema, version, 8);
	(void) LockAcquire(tag, ExclusiveLock, false, false);
}

/*
 * The users are read in a context of the call, whatever fails in between, and become the
 * version's when they are whole.
 */
const ServingUsers *
reco_serving_load_users(Serving *serving)
{
	LOCKTAG tag;

	if (serving->all || reco_image_map(serving, RECO_IMAGE_USERS))
		return serving->all;
	lock_making(serving->schema, serving->version, &tag);
	if (!reco_image_map(serving, RECO_IMAGE_USERS))
	{
		MemoryContext context =
			AllocSetContextCreate(CurrentMemoryContext, "reco users", ALLOCSET_DEFAULT_SIZES);
		ServingUsers *users = reco_users_load(serving, context);
		bool mapped = false;

		if (reco_image_write(serving, users, context))
		{
			mapped = reco_image_map(serving, RECO_IMAGE_USERS);
			reco_image_remove_stale(serving);
		}
		if (mapped)
			MemoryContextDelete(context);
		else
		{
			MemoryContextSetParent(context, serving->context);
			serving->all = users;
			reco_users_give(&serving->model, users);
		}
	}
	LockRelease(&tag, ExclusiveLock, false);
	return serving->all;
}

const reco_scorer *
reco_serving_scorer(Serving *serving)
{
	RecoModel *model = &serving->model;
	MemoryContext old;

	if (serving->scorer)
		return serving->scorer;
	if (model->spec->needs_users)
		(void) reco_serving_load_users(serving);
	old = MemoryContextSwitchTo(serving->context);
	serving->scorer = reco_model_scorer(model);
	MemoryContextSwitchTo(old);
	return serving->scorer;
}

static Serving *
from_tables(const ModelRow *row)
{
	LOCKTAG tag;
	Serving *serving;

	lock_making(row->schema, row->active_version, &tag);
	serving = from_image(row);
	if (serving == NULL)
	{
		serving = reco_serving_load(row);
		if (reco_image_write(serving, NULL, serving->context))
		{
			Serving *mapped = from_image(row);

			if (mapped)
			{
				MemoryContextDelete(serving->context);
				serving = mapped;
			}
		}
	}
	LockRelease(&tag, ExclusiveLock, false);
	return serving;
}

Serving *
reco_serving_open(Oid schema, const char *function, ModelRow *row)
{
	Serving *serving = NULL;

	reco_model_read(schema, GetActiveSnapshot(), row);
	if (function)
		reco_rights_check(row, function);
	else
		reco_model_check_owner(row);
	if (row->active_version == 0)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("model \"%s\" has not been trained yet", row->name),
						errhint("Train it with CALL reco.refresh().")));
	for (int i = 0; i < MAX_SERVINGS && serving == NULL; i++)
		if (servings[i] && servings[i]->schema == schema &&
			servings[i]->version == row->active_version &&
			servings[i]->nonce == row->active_nonce && servings[i]->epoch == row->active_epoch)
			serving = servings[i];
	if (serving && !check_tables(serving))
		serving = NULL;
	if (serving == NULL)
	{
		serving = from_image(row);
		if (serving)
			reco_image_remove_old(serving);
		else
			serving = from_tables(row);
		serving->table = row->table;
		MemoryContextSetParent(serving->context, CacheMemoryContext);
		*free_place(schema) = serving;
		free_displaced();
	}
	/* a schema that is given away within a transaction keeps what was read */
	if (serving->user_type->pseudonyms)
		serving->user_type->pseudonyms->role = row->owner;
	serving->used = ++use_counter;
	pin(serving);
	return serving;
}
