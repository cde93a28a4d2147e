/*
 * withhold.c
 *	  Items that fall below min_users_per_item as a user leaves.
 *
 * An item's number of users is that of the training, without those who were forgotten since.
 * Whatever tells of items leaves out those below the minimum, until a refresh makes a version
 * without them.
 *
 * Cost: the user's items; where some fall below, a pass over stored lists.
 */
#include "lifecycle/withhold.h"

#include "lifecycle/user.h"
#include "store/source/data.h"
#include "store/tables/statement.h"
#include "utils/snapmgr.h"

/* Items of the active version below its minimum, by id. */
#define WITHHELD                                                                                   \
	"WITH withheld AS MATERIALIZED (SELECT i.item_id FROM ONLY %%s.model AS m"                     \
	" JOIN ONLY %%s.model_version AS v ON v.version = m.active_version"                            \
	" JOIN ONLY %%s.model_item AS i ON i.version = v.version"                                      \
	" WHERE i.interactions < (v.options ->> 'min_users_per_item')::int4"                           \
	" AND v.algorithm ->> 'algorithm' <> 'private') "

/* Whether an element of an array is one of them: the equality of ids. */
#define IS_WITHHELD "(SELECT FROM withheld AS w WHERE w.item_id %s e.item)"

void
reco_withhold(Oid schema, int32 version, int32 number)
{
	VersionRow row;
	RecoDataOptions options;
	RecoArgument argument[] = {reco_int4_argument(version), reco_int4_argument(number)};
	int64 nonce;

	reco_version_read(schema, version, GetActiveSnapshot(), &row);
	reco_data_options_parse(row.options, &options);
	/* counts with noise stay what they were: a change would tell what the user had */
	if (options.min_users_per_item <= 1 ||
		(row.algorithm && reco_spec_is_private(reco_spec_parse(row.algorithm))))
		return;
	if (reco_statement(schema,
					   "UPDATE ONLY %s.model_item AS i SET interactions = i.interactions - 1"
					   " FROM ONLY %s.model_user AS u, reco.stored_history(u.history) AS h"
					   " WHERE u.version = $1 AND u.number = $2 AND i.version = $1"
					   " AND i.number = h.number",
					   argument, lengthof(argument), NULL) == 0)
		return;
	if (!pg_strong_random(&nonce, sizeof(nonce)))
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not generate random values")));
	argument[1] = reco_int8_argument(nonce);
	(void) reco_statement(schema, "UPDATE ONLY %s.model_version SET nonce = $2 WHERE version = $1",
						  argument, lengthof(argument), NULL);
	(void) reco_statement(schema,
						  "UPDATE ONLY %s.model SET active_nonce = $2 WHERE active_version = $1",
						  argument, lengthof(argument), NULL);
}

static void
shorten_lists(Oid schema, const char *equal)
{
	(void) reco_statement(
		schema,
		psprintf(WITHHELD "UPDATE ONLY %%s.model_list AS l SET (items, scores, by_model) ="
						  " (SELECT coalesce(array_agg(e.item ORDER BY e.place), l.items[1:0]),"
						  "   coalesce(array_agg(e.score ORDER BY e.place), '{}'),"
						  "   count(*) FILTER (WHERE e.place <= l.by_model)"
						  "  FROM ROWS FROM (unnest(l.items), unnest(l.scores)) WITH ORDINALITY"
						  "   AS e(item, score, place) WHERE NOT EXISTS " IS_WITHHELD ")"
						  " WHERE EXISTS (SELECT FROM unnest(l.items) AS e(item)"
						  "  WHERE EXISTS " IS_WITHHELD ")",
				 equal, equal),
		NULL, 0, NULL);
}

static void
shorten_profiles(Oid schema, const char *equal)
{
	(void) reco_statement(
		schema,
		psprintf(WITHHELD
				 "UPDATE ONLY %%s.model_segment_profile AS p"
				 " SET (items, item_shares, item_lifts) ="
				 " (SELECT coalesce(array_agg(e.item ORDER BY e.place), p.items[1:0]),"
				 "   coalesce(array_agg(e.share ORDER BY e.place), '{}'),"
				 "   coalesce(array_agg(e.lift ORDER BY e.place), '{}')"
				 "  FROM ROWS FROM (unnest(p.items), unnest(p.item_shares), unnest(p.item_lifts))"
				 "   WITH ORDINALITY AS e(item, share, lift, place)"
				 "  WHERE NOT EXISTS " IS_WITHHELD ")"
				 " WHERE EXISTS (SELECT FROM unnest(p.items) AS e(item)"
				 "  WHERE EXISTS " IS_WITHHELD ")",
				 equal, equal),
		NULL, 0, NULL);
}

int64
reco_withhold_stored(Oid schema)
{
	ModelTable items;
	const char *equal;
	int64 withheld =
		reco_statement(schema, psprintf(WITHHELD "SELECT FROM withheld"), NULL, 0, NULL);

	if (withheld == 0)
		return 0;
	reco_table_open(&items, schema, false, AccessShareLock);
	equal = reco_user_equality(reco_table_id_type(&items));
	reco_table_close(&items);
	shorten_lists(schema, equal);
	shorten_profiles(schema, equal);
	return withheld;
}
