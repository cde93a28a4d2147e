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

void
reco_version_check_lengths(const RecoData *data, const char *model)
{
	const reco_csr *terms = data->features ? &data->features->content.by_item : NULL;
	const reco_csr *seen = data->x.seen ? &data->x.seen->by_user : NULL;
	int64 most = RECO_FAULT_ENTRIES(MOST_ENTRIES);

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
