/*
 * lists.c
 *	  reco.evaluate_lists(): how good lists are, wherever they come from.
 *
 * What is read of the lists, of the test and of the training part has numbers of its own.  Here
 * users and items get common ones: those of the training part as they are there, and after them
 * the others, each kind in the order of its ids.  These are the numbers that reco.evaluate() has,
 * so that equal lists have equal metrics.
 *
 * All queries are the caller's own texts and run as the caller.
 *
 * Cost: reading, a search of each id, and of each pair of the test in the training part.
 */
#include "core/ranking/lists.h"
#include "evaluation/arguments.h"
#include "model/metric.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "pg/rows.h"
#include "store/source/source.h"
#include "utils/builtins.h"

#include <math.h>

RECO_FUNCTION(reco_evaluate_lists);

/* What is reported, in this order: of the test alone, where the training part may come again, and
 * with a training part. */
static const reco_metric of_test[] = {
	RECO_METRIC_PRECISION, RECO_METRIC_RECALL, RECO_METRIC_NDCG, RECO_METRIC_NDCG_GRADED,
	RECO_METRIC_HIT_RATE,  RECO_METRIC_MAP,    RECO_METRIC_MRR};
static const reco_metric of_repeats[] = {RECO_METRIC_RECALL_REPEATED, RECO_METRIC_RECALL_NEW};
static const reco_metric of_training[] = {RECO_METRIC_NOVELTY, RECO_METRIC_POPULARITY,
										  RECO_METRIC_COVERAGE, RECO_METRIC_GINI};

/*
 * Numbers by those of what was read: first the known ones, of the training part, of items then
 * those that only lists have, and last the others of the test.
 */
typedef struct Numbers
{
	int32 known;
	int32 shown; /* of items: known, or in a list */
	int32 all;
	int32 *test;
	int32 *lists; /* -1: of a user who is not measured */
} Numbers;

typedef struct Judging
{
	RecoBudget *budget;
	RecoData *lists;
	RecoData *test;
	RecoData *train;   /* NULL: none */
	bool include_seen; /* what it has is to be found, too */
	Numbers users;
	Numbers items;
	reco_lists judged;
	/* pairs of the test that are trained on; measured users without a list; lists of others */
	int64 in_both;
	int32 without_list;
	int32 not_measured;
} Judging;

static IdDict *
dict_of(RecoData *data, bool users)
{
	return users ? data->users : data->items;
}

static const IdType *
type_of(const RecoData *data, bool users)
{
	return users ? &data->user_type : &data->item_type;
}

/* Of the ids of data, the numbers that they have in another; -1: they are not there. */
static int32 *
numbers_in(Judging *j, RecoData *data, RecoData *in, bool users)
{
	int32 *number;

	if (in)
		return id_dict_numbers(dict_of(data, users), type_of(data, users), dict_of(in, users),
							   type_of(in, users), j->budget);
	number = reco_budget_alloc(j->budget,
							   ((Size) id_dict_count(dict_of(data, users)) + 1) * sizeof(int32));
	for (int32 k = 0; k < id_dict_count(dict_of(data, users)); k++)
	{
		number[k] = -1;
		RECO_POLL_AT(k);
	}
	return number;
}

/* Numbers from *next on for those that have none. */
static void
number_rest(int32 *number, int32 n, int32 *next)
{
	for (int32 k = 0; k < n; k++)
	{
		if (number[k] < 0)
			number[k] = (*next)++;
		RECO_POLL_AT(k);
	}
}

static void
give_numbers(Judging *j, bool users, Numbers *out)
{
	int32 n = id_dict_count(dict_of(j->lists, users));
	int32 *in_test = numbers_in(j, j->lists, j->test, users);

	out->known = j->train ? id_dict_count(dict_of(j->train, users)) : 0;
	out->test = numbers_in(j, j->test, j->train, users);
	out->lists = numbers_in(j, j->lists, j->train, users);
	out->all = out->known;
	if (!users)
		number_rest(out->lists, n, &out->all);
	out->shown = out->all;
	for (int32 k = 0; k < n; k++)
	{
		if (!users && in_test[k] >= 0)
			out->test[in_test[k]] = out->lists[k];
		RECO_POLL_AT(k);
	}
	number_rest(out->test, id_dict_count(dict_of(j->test, users)), &out->all);
	for (int32 k = 0; k < n; k++)
	{
		if (users && out->lists[k] < 0 && in_test[k] >= 0)
			out->lists[k] = out->test[in_test[k]];
		RECO_POLL_AT(k);
	}
	reco_budget_free(j->budget, in_test);
}

/* Which of the three parts of the numbers one lies in. */
static int
part_of(const Numbers *numbers, int32 number)
{
	return number < numbers->known ? 0 : number < numbers->shown ? 1 : 2;
}

/* Whether a pair of the test is to be found, by the numbers that are common. */
static bool
is_wanted(Judging *j, int32 user, int32 item, float value)
{
	const reco_csr *a;

	if (!(value > 0))
		return false;
	if (j->train == NULL || j->include_seen || user >= j->users.known || item >= j->items.known)
		return true;
	a = &j->train->x.by_user;
	if (reco_find(a->col, a->start[user], a->start[user + 1], item) < 0)
		return true;
	j->in_both++;
	return false;
}

/* The wanted items of a user of the test, rising, from `at` on. */
static int64
take_wanted(Judging *j, int32 u, int64 at, int32 *wanted, float *gain)
{
	const reco_csr *a = &j->test->x.by_user;

	for (int part = 0; part < 3; part++)
		for (int64 e = a->start[u]; e < a->start[u + 1]; e++)
		{
			int32 item = j->items.test[a->col[e]];
			float value = a->value ? a->value[e] : 1;

			RECO_POLL_EACH(e, RECO_SEARCHES);
			if (part_of(&j->items, item) != part || !is_wanted(j, j->users.test[u], item, value))
				continue;
			wanted[at] = item;
			if (gain)
				gain[at] = value;
			at++;
		}
	return at;
}

/* Who is measured, rising, and what is wanted of each. */
static void
find_wanted(Judging *j)
{
	const reco_csr *a = &j->test->x.by_user;
	Size users = (Size) a->rows + 1;
	Size pairs = (Size) a->start[a->rows] + 1;
	int32 *number = reco_budget_alloc(j->budget, users * sizeof(int32));
	int64 *start = reco_budget_alloc(j->budget, users * sizeof(int64));
	int32 *wanted = reco_budget_alloc(j->budget, pairs * sizeof(int32));
	float *gain = a->value ? reco_budget_alloc(j->budget, pairs * sizeof(float)) : NULL;
	int32 n = 0;

	start[0] = 0;
	for (int part = 0; part < 3; part++)
		for (int32 u = 0; u < a->rows; u++)
		{
			int64 to;

			RECO_POLL_EACH(u, RECO_SEARCHES);
			if (part_of(&j->users, j->users.test[u]) != part)
				continue;
			to = take_wanted(j, u, start[n], wanted, gain);
			if (to == start[n])
				continue;
			number[n] = j->users.test[u];
			start[++n] = to;
		}
	j->judged.users = n;
	j->judged.number = number;
	j->judged.wanted_start = start;
	j->judged.wanted = wanted;
	j->judged.gain = gain;
}

/* Which list is whose. */
static void
find_lists(Judging *j)
{
	const reco_interactions *x = &j->lists->x;
	int32 *row_of = reco_budget_alloc(j->budget, ((Size) j->users.all + 1) * sizeof(int32));
	int32 *row = reco_budget_alloc(j->budget, ((Size) j->judged.users + 1) * sizeof(int32));

	for (int32 u = 0; u < j->users.all; u++)
	{
		row_of[u] = -1;
		RECO_POLL_AT(u);
	}
	for (int32 u = 0; u < x->by_user.rows; u++)
	{
		if (j->users.lists[u] >= 0)
			row_of[j->users.lists[u]] = u;
		RECO_POLL_AT(u);
	}
	j->not_measured = x->by_user.rows;
	for (int32 u = 0; u < j->judged.users; u++)
	{
		row[u] = row_of[j->judged.number[u]];
		j->not_measured -= row[u] >= 0;
		j->without_list += row[u] < 0;
		RECO_POLL_AT(u);
	}
	reco_budget_free(j->budget, row_of);
	j->judged.list = x->by_user;
	j->judged.rank = x->time;
	j->judged.row = row;
	j->judged.item = j->items.lists;
	j->judged.items = j->items.shown;
}

static void
find_readers(Judging *j)
{
	Size items = (Size) j->items.shown + 1;
	int32 *have = reco_budget_alloc(j->budget, items * sizeof(int32));
	double *information = reco_budget_alloc(j->budget, items * sizeof(double));

	reco_budget_check(j->budget,
					  reco_readers(&j->budget->env, &j->train->x.by_user, j->items.shown, have,
								   information, &j->judged.have_users),
					  "an evaluation");
	j->judged.have = have;
	j->judged.had = j->include_seen ? &j->train->x.by_user : NULL;
	j->judged.information = information;
}

/* An error where a list has an item twice. */
static void
check_repeats(const RecoData *lists)
{
	const reco_repeats *repeats = &lists->x.repeats;
	int32 user = 0;

	if (repeats->start == NULL)
		return;
	while (repeats->start[user + 1] == repeats->start[user])
	{
		user++;
		RECO_POLL_AT(user);
	}
	ereport(
		ERROR,
		(errcode(ERRCODE_CARDINALITY_VIOLATION),
		 errmsg(
			 "the list of user \"%s\" has item \"%s\" more than once",
			 id_to_message(unconstify(IdType *, &lists->user_type), id_dict_id(lists->users, user)),
			 id_to_message(unconstify(IdType *, &lists->item_type),
						   id_dict_id(lists->items, repeats->row[repeats->start[user]].item))),
		 errhint("A list has each of its items once: SELECT user, item, min(rank) ... GROUP BY "
				 "user, item.")));
}

static void
check_types(const RecoData *data, const char *of, const RecoData *with, const char *with_of)
{
	id_type_require_comparable(&data->user_type, of, &with->user_type, with_of, "user");
	id_type_require_comparable(&data->item_type, of, &with->item_type, with_of, "item");
}

static RecoData *
read_query(FunctionCallInfo fcinfo, int argument, const RecoQueryKind *kind, RecoBudget *budget)
{
	RecoQuery query = {kind, reco_text_or_null(fcinfo, argument)};
	RecoDataOptions none = {0};

	if (query.text == NULL)
		return NULL;
	return kind->ranked ? reco_read_lists(&query, budget) : reco_read_test(&query, &none, budget);
}

static void
read_all(FunctionCallInfo fcinfo, Judging *j)
{
	SPI_connect();
	j->lists = read_query(fcinfo, 0, &reco_the_lists, j->budget);
	check_repeats(j->lists);
	j->test = read_query(fcinfo, 1, &reco_the_test, j->budget);
	check_types(j->lists, reco_the_lists.name, j->test, reco_the_test.name);
	j->train = read_query(fcinfo, 3, &reco_the_training_part, j->budget);
	SPI_finish();
	if (j->train == NULL)
		return;
	check_types(j->test, reco_the_test.name, j->train, reco_the_training_part.name);
	check_types(j->lists, reco_the_lists.name, j->train, reco_the_training_part.name);
}

static unsigned
metrics_of(const Judging *j)
{
	unsigned metrics = 0;

	for (int m = 0; m < lengthof(of_test); m++)
		metrics |= RECO_METRIC_BIT(of_test[m]);
	/* it would be ndcg again */
	if (j->judged.gain == NULL)
		metrics &= ~RECO_METRIC_BIT(RECO_METRIC_NDCG_GRADED);
	for (int m = 0; j->train && m < lengthof(of_training); m++)
		metrics |= RECO_METRIC_BIT(of_training[m]);
	if (j->train && j->include_seen)
		metrics |= RECO_METRICS_OF_REPEATS;
	return metrics;
}

static void
report(RecoRows *rows, const reco_scores *scores, reco_metric metric, int32 k)
{
	reco_estimate estimate;

	if ((scores->columns.metrics & RECO_METRIC_BIT(metric)) &&
		reco_scores_estimate(scores, metric, k, RECO_ACTIVITY_ALL, &estimate))
		reco_rows_add(rows,
					  (Datum[]){CStringGetTextDatum(reco_metric_name(metric)), Int32GetDatum(k),
								Float8GetDatum(estimate.value), Float8GetDatum(estimate.error),
								Int32GetDatum(estimate.users)},
					  (bool[]){false, false, false, isnan(estimate.error), false});
}

static void
judge(Judging *j, const int32 *cutoff, int cutoffs, RecoRows *rows)
{
	RecoBudget *budget = j->budget;
	reco_columns columns;
	reco_scores scores;

	reco_columns_of(metrics_of(j), cutoff, cutoffs, &columns);
	reco_budget_require(budget,
						reco_scores_bytes(&columns, j->judged.users) +
							reco_lists_bytes(&j->judged, &columns),
						"an evaluation");
	reco_budget_check(budget,
					  reco_scores_make(&budget->env, &columns, j->judged.users, NULL, &scores),
					  "an evaluation");
	reco_budget_check(budget, reco_lists_judge(&budget->env, &j->judged, &scores), "an evaluation");
	for (int c = 0; c < cutoffs; c++)
	{
		for (int m = 0; m < lengthof(of_test); m++)
			report(rows, &scores, of_test[m], cutoff[c]);
		for (int m = 0; m < lengthof(of_repeats); m++)
			report(rows, &scores, of_repeats[m], cutoff[c]);
		for (int m = 0; m < lengthof(of_training); m++)
			report(rows, &scores, of_training[m], cutoff[c]);
	}
}

/* A sentence about n of something, after those that are there. */
static void
append_count(StringInfo text, int64 n, const char *one, const char *many)
{
	if (n > 0)
		appendStringInfo(text, "%s" INT64_FORMAT " %s", text->len > 0 ? " " : "", n,
						 n == 1 ? one : many);
}

static void
tell(const Judging *j)
{
	int64 nulls = reco_count_nulls(j->lists->count) + reco_count_nulls(j->test->count) +
				  (j->train ? reco_count_nulls(j->train->count) : 0);
	StringInfoData text;

	initStringInfo(&text);
	append_count(&text, j->without_list,
				 "of them has no list, and counts as one who found nothing.",
				 "of them have no list, and count as ones who found nothing.");
	append_count(&text, j->not_measured,
				 "user with a list has nothing to be found, and is left out.",
				 "users with a list have nothing to be found, and are left out.");
	append_count(&text, j->in_both, "pair of the test is in the training part, and left out.",
				 "pairs of the test are in the training part, and left out.");
	append_count(&text, nulls, "row has a NULL, and is left out.",
				 "rows have a NULL, and are left out.");
	if (text.len > 0)
		ereport(NOTICE, (errmsg_plural("%d user is measured", "%d users are measured",
									   j->judged.users, j->judged.users),
						 errdetail_internal("%s", text.data)));
}

Datum
reco_evaluate_lists(PG_FUNCTION_ARGS)
{
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "reco evaluation", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	RecoBudget budget;
	Judging j = {&budget};
	int32 cutoff[RECO_MAX_CUTOFFS];
	int cutoffs;
	RecoRows rows;

	reco_require_argument(fcinfo, 0, "lists");
	reco_require_argument(fcinfo, 1, "test");
	reco_require_argument(fcinfo, 2, "cutoffs");
	reco_require_argument(fcinfo, 4, "include_seen");
	j.include_seen = PG_GETARG_BOOL(4);
	rows = reco_rows_begin(fcinfo, (Oid[]){TEXTOID, INT4OID, FLOAT8OID, FLOAT8OID, INT4OID}, 5);
	cutoffs = reco_read_cutoffs(PG_GETARG_ARRAYTYPE_P(2), cutoff);
	reco_budget_init(&budget, context);
	read_all(fcinfo, &j);
	MemoryContextSwitchTo(context);
	give_numbers(&j, true, &j.users);
	give_numbers(&j, false, &j.items);
	find_wanted(&j);
	find_lists(&j);
	if (j.judged.users == 0)
		ereport(ERROR, (errcode(ERRCODE_NO_DATA_FOUND), errmsg("test has nothing to be found"),
						errdetail_internal("%s.", reco_data_rows(j.test)),
						errhint("What is to be found are pairs of a user and an item with a value "
								"above 0, without those of the training part.")));
	if (j.train)
		find_readers(&j);
	judge(&j, cutoff, cutoffs, &rows);
	tell(&j);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return (Datum) 0;
}
