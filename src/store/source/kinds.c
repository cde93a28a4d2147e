/*
 * kinds.c
 *	  Kinds of events: what each weighs, and whether it counts as seen.
 *
 * Cost: a kind is found by a binary search.
 */
#include "store/source/kinds.h"

#include "mb/pg_wchar.h"

int
reco_kinds_find(const RecoKinds *kinds, const char *name, int length)
{
	int low = 0;
	int high = kinds->n - 1;

	while (low <= high)
	{
		int middle = low + (high - low) / 2;
		int order = reco_kinds_compare(kinds, middle, name, length);

		if (order == 0)
			return middle;
		if (order < 0)
			low = middle + 1;
		else
			high = middle - 1;
	}
	return RECO_KIND_UNKNOWN;
}

static int
order_names(const void *a, const void *b)
{
	const char *x = *(const char *const *) a;
	const char *y = *(const char *const *) b;
	size_t length = strlen(x);

	if (length != strlen(y))
		return length < strlen(y) ? -1 : 1;
	return strcmp(x, y);
}

/* The names that weights are given, or those that count as seen, each once. */
static RecoKinds *
make_kinds(const reco_weights *weights, const reco_texts *seen)
{
	RecoKinds *kinds = palloc0(sizeof(RecoKinds));
	int n = weights ? weights->n : seen->n;

	kinds->weighs = weights != NULL;
	kinds->by_kind = seen != NULL;
	kinds->name = palloc((n + 1) * sizeof(char *));
	kinds->length = palloc((n + 1) * sizeof(int));
	kinds->weight = palloc((n + 1) * sizeof(double));
	kinds->seen = palloc0((n + 1) * sizeof(bool));
	memcpy(kinds->name, weights ? weights->name : seen->value, n * sizeof(char *));
	/* the keys of a jsonb object are in this order, and each of them is there once */
	if (weights == NULL)
		qsort(kinds->name, n, sizeof(char *), order_names);
	for (int k = 0; k < n; k++)
	{
		if (weights == NULL && kinds->n > 0 &&
			strcmp(kinds->name[kinds->n - 1], kinds->name[k]) == 0)
			continue;
		kinds->name[kinds->n] = kinds->name[k];
		kinds->length[kinds->n] = strlen(kinds->name[k]);
		kinds->weight[kinds->n] = weights ? weights->weight[k] : 1;
		kinds->differs = kinds->differs || seen || kinds->weight[kinds->n] == 0;
		kinds->n++;
	}
	return kinds;
}

char *
reco_kind_text(const char *name, int length)
{
	return pnstrdup(name, pg_mbcliplen(name, length, RECO_KIND_BYTES));
}

char *
reco_kinds_text(const RecoKinds *kinds)
{
	StringInfoData text;

	initStringInfo(&text);
	for (int k = 0; k < kinds->n && k < RECO_KINDS_TOLD; k++)
		appendStringInfo(&text, "%s\"%s\"", k ? ", " : "",
						 reco_kind_text(kinds->name[k], kinds->length[k]));
	if (kinds->n > RECO_KINDS_TOLD)
		appendStringInfo(&text, " and %d more", kinds->n - RECO_KINDS_TOLD);
	return text.data;
}

RecoKinds *
reco_kinds_make(const reco_weights *weights, const reco_texts *seen)
{
	RecoKinds *kinds;

	if (weights == NULL && seen == NULL)
		return NULL;
	if (weights && weights->n == 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("option \"kind_weights\" of reco.options must not be empty"),
						errhint("Give each kind a weight, as in '{\"view\": 1, \"buy\": 8}'.")));
	kinds = make_kinds(weights, seen);
	for (int s = 0; seen && s < seen->n; s++)
	{
		int k = reco_kinds_find(kinds, seen->value[s], strlen(seen->value[s]));

		if (k == RECO_KIND_UNKNOWN)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("seen_kinds has \"%s\", which kind_weights does not weigh",
							reco_kind_text(seen->value[s], strlen(seen->value[s]))),
					 errhint("The kinds that have a weight are %s.", reco_kinds_text(kinds))));
		kinds->seen[k] = true;
	}
	return kinds;
}
