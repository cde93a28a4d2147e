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

/* The names that weights are given, or those that count as seen, and those that take back. */
static void
collect_names(RecoKinds *kinds, const reco_weights *weights, const reco_texts *seen,
			  const reco_texts *cancel)
{
	int n = weights ? weights->n : seen ? seen->n : 0;
	int cancels = cancel ? cancel->n : 0;
	int distinct = 0;

	kinds->name = palloc((n + cancels + 1) * sizeof(char *));
	if (n > 0)
		memcpy(kinds->name, weights ? weights->name : seen->value, n * sizeof(char *));
	if (cancels > 0)
		memcpy(kinds->name + n, cancel->value, cancels * sizeof(char *));
	qsort(kinds->name, n + cancels, sizeof(char *), order_names);
	for (int k = 0; k < n + cancels; k++)
		if (distinct == 0 || strcmp(kinds->name[distinct - 1], kinds->name[k]) != 0)
			kinds->name[distinct++] = kinds->name[k];
	kinds->n = distinct;
	kinds->length = palloc((distinct + 1) * sizeof(int));
	for (int k = 0; k < distinct; k++)
		kinds->length[k] = strlen(kinds->name[k]);
}

static RecoKinds *
make_kinds(const reco_weights *weights, const reco_texts *seen, const reco_texts *cancel)
{
	RecoKinds *kinds = palloc0(sizeof(RecoKinds));

	kinds->weighs = weights != NULL;
	kinds->by_kind = seen != NULL;
	kinds->differs = seen != NULL;
	collect_names(kinds, weights, seen, cancel);
	kinds->weight = palloc((kinds->n + 1) * sizeof(double));
	kinds->weighed = palloc0((kinds->n + 1) * sizeof(bool));
	kinds->seen = palloc0((kinds->n + 1) * sizeof(bool));
	kinds->cancels = palloc0((kinds->n + 1) * sizeof(bool));
	for (int k = 0; k < kinds->n; k++)
		kinds->weight[k] = 1;
	for (int w = 0; weights && w < weights->n; w++)
	{
		int k = reco_kinds_find(kinds, weights->name[w], strlen(weights->name[w]));

		kinds->weighed[k] = true;
		kinds->weight[k] = weights->weight[w];
		kinds->differs = kinds->differs || weights->weight[w] == 0;
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
	int told = 0;
	int more = 0;

	initStringInfo(&text);
	for (int k = 0; k < kinds->n; k++)
	{
		if (!kinds->weighed[k])
			continue;
		if (told == RECO_KINDS_TOLD)
			more++;
		else
			appendStringInfo(&text, "%s\"%s\"", told++ ? ", " : "",
							 reco_kind_text(kinds->name[k], kinds->length[k]));
	}
	if (more > 0)
		appendStringInfo(&text, " and %d more", more);
	return text.data;
}

/* The names of kinds that take back: they have no weight, and do not count as seen. */
static void
set_cancels(RecoKinds *kinds, const reco_texts *cancel)
{
	for (int c = 0; cancel && c < cancel->n; c++)
	{
		const char *name = cancel->value[c];
		int k = reco_kinds_find(kinds, name, strlen(name));

		if (kinds->weighed[k])
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("kind \"%s\" is in cancel_kinds and in kind_weights",
								   reco_kind_text(name, strlen(name))),
							errhint("A kind either takes back what the user has, or counts "
									"what it weighs: name it in one of the two.")));
		if (kinds->seen[k])
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("kind \"%s\" is in cancel_kinds and in seen_kinds",
							reco_kind_text(name, strlen(name))),
					 errhint("What takes back a purchase is none: name it in one of the two.")));
		kinds->cancels[k] = true;
	}
}

static void
set_seen(RecoKinds *kinds, const reco_texts *seen)
{
	for (int s = 0; seen && s < seen->n; s++)
	{
		const char *name = seen->value[s];
		int k = reco_kinds_find(kinds, name, strlen(name));

		if (k == RECO_KIND_UNKNOWN || (kinds->weighs && !kinds->weighed[k]))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("seen_kinds has \"%s\", which kind_weights does not weigh",
							reco_kind_text(name, strlen(name))),
					 errhint("The kinds that have a weight are %s.", reco_kinds_text(kinds))));
		kinds->seen[k] = true;
	}
}

RecoKinds *
reco_kinds_make(const reco_weights *weights, const reco_texts *seen, const reco_texts *cancel)
{
	RecoKinds *kinds;

	if (weights == NULL && seen == NULL && (cancel == NULL || cancel->n == 0))
		return NULL;
	if (weights && weights->n == 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("option \"kind_weights\" of reco.options must not be empty"),
						errhint("Give each kind a weight, as in '{\"view\": 1, \"buy\": 8}'.")));
	kinds = make_kinds(weights, seen, cancel);
	set_seen(kinds, seen);
	set_cancels(kinds, cancel);
	return kinds;
}
