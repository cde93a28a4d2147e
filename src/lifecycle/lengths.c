/*
 * lengths.c
 *	  Whether what a user has, and what an item is like, fits into a row of a version.
 *
 * Cost: a pass over users and items.
 */
#include "lifecycle/versions.h"

#include "core/data/history.h"
#include "utils/memutils.h"

/*
 * What a user has, and what an item is like, is stored in one value, which is twice as long
 * in the text of a dump, and shares a row with a few short ones.
 */
#define MOST_ENTRIES                                                                               \
	((int64) ((MaxAllocSize / 2 - 16 * 1024 * 1024) /                                              \
			  (reco_history_bound(1) - reco_history_bound(0))))

/*
 * What a user did in order lies in one value as well, an item and two times of each event at most
 * for each member that goes by it.
 */
#define BYTES_OF_EVENT (RECO_MAX_MEMBERS * 20)
#define MOST_EVENTS ((int64) ((MaxAllocSize / 2 - 16 * 1024 * 1024) / BYTES_OF_EVENT))

void
reco_version_check_length(const RecoData *data, Datum id, int64 n, const char *model)
{
	int64 most = RECO_FAULT_ENTRIES(MOST_ENTRIES);

	if (n > most)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("user \"%s\" of model \"%s\" has " INT64_FORMAT
							   " interactions, more than can be stored",
							   id_to_message(unconstify(IdType *, &data->user_type), id), model, n),
						errdetail("A user may have " INT64_FORMAT " of them.", most),
						errhint("If that is no person, leave it out of the source, or see "
								"reco.options(max_user_interactions).")));
}

/* Rows of a user that are told apart, where there are more than `most`; else no more than that. */
static int64
events_of(const reco_interactions *x, int32 user, int64 most)
{
	const int64 *repeats = x->repeats.start;
	int64 n = x->by_user.start[user + 1] - x->by_user.start[user];

	if (repeats == NULL || n + repeats[user + 1] - repeats[user] <= most)
		return n;
	/* those of pairs that repeat, and one of each other pair */
	for (int64 r = repeats[user]; r < repeats[user + 1]; r++)
	{
		n += r > repeats[user] && x->repeats.row[r].item == x->repeats.row[r - 1].item;
		RECO_POLL_AT(r);
	}
	return n;
}

void
reco_version_check_lengths(const RecoData *data, const char *model)
{
	const reco_csr *terms = data->features ? &data->features->content.by_item : NULL;
	const reco_csr *seen = data->x.seen ? &data->x.seen->by_user : NULL;
	int64 most = RECO_FAULT_ENTRIES(MOST_ENTRIES);
	int64 most_events = RECO_FAULT_ENTRIES(MOST_EVENTS);

	if (data->longest > most)
		reco_version_check_length(data, id_dict_id(data->users, data->longest_user), data->longest,
								  model);
	for (int32 u = 0; seen && u < seen->rows; u++)
	{
		int64 n = seen->start[u + 1] - seen->start[u];

		if (n > most)
			ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
							errmsg("user \"%s\" of model \"%s\" has seen " INT64_FORMAT
								   " items, more than can be stored",
								   id_to_message(unconstify(IdType *, &data->user_type),
												 id_dict_id(data->users, u)),
								   model, n),
							errhint("If that is no person, leave it out of the source.")));
		RECO_POLL_AT(u);
	}
	for (int32 u = 0; data->events && u < data->x.by_user.rows; u++)
	{
		int64 n = events_of(&data->x, u, most_events);

		if (n > most_events)
			ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
							errmsg("user \"%s\" of model \"%s\" has " INT64_FORMAT
								   " events, more than can be stored",
								   id_to_message(unconstify(IdType *, &data->user_type),
												 id_dict_id(data->users, u)),
								   model, n),
							errdetail("A user may have " INT64_FORMAT " of them.", most_events),
							errhint("If that is no person, leave it out of the source.")));
		RECO_POLL_AT(u);
	}
	for (int32 i = 0; terms && i < terms->rows; i++)
	{
		int64 n = terms->start[i + 1] - terms->start[i];

		if (n > most)
			ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
							errmsg("item \"%s\" of model \"%s\" has " INT64_FORMAT
								   " terms, more than can be stored",
								   id_to_message(unconstify(IdType *, &data->item_type),
												 id_dict_id(data->items, i)),
								   model, n),
							errdetail("An item may have " INT64_FORMAT " of them.", most),
							errhint("Leave out of its columns what is no feature.")));
		RECO_POLL_AT(i);
	}
}
