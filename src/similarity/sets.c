/*
 * sets.c
 *	  Jaccard, Dice, overlap and Tversky similarity of two sets: arrays of any
 *	  type, or the lexemes of two tsvectors.
 *
 * An array is read as a set: order and repeats do not matter.  With c members in
 * common,
 *
 *	Jaccard		c / (|A| + |B| - c)
 *	Dice		2 c / (|A| + |B|)
 *	overlap		c / min(|A|, |B|), 0 when one set is empty
 *	Tversky		c / (c + alpha (|A| - c) + beta (|B| - c))
 *
 * NULL when both sets are empty, 0 when they have nothing in common, even where
 * a formula is then 0 / 0.
 *
 * Members are equal when the type's own equality says so, under the call's
 * collation.  Types whose values are equal just when their bits are (numbers,
 * dates) are sorted by the bits.  Others are sorted by a hash of 64 bits, if they
 * have one, and compared within one hash; else by the type's order.
 *
 * Cost: a sort of both arrays; up to 48 members without allocating.
 */
#include "similarity/similarity.h"

#include "catalog/pg_type.h"
#include "core/similarity/sets.h"
#include "lib/qunique.h"
#include "miscadmin.h"
#include "tsearch/ts_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

#include <math.h>

typedef enum SetIndex
{
	JACCARD,
	DICE,
	OVERLAP,
	TVERSKY
} SetIndex;

/* What sorting by a type's order needs. */
typedef struct Order
{
	TypeCacheEntry *type;
	Oid collation;
} Order;

RECO_FUNCTION(reco_jaccard_arrays);
RECO_FUNCTION(reco_dice_arrays);
RECO_FUNCTION(reco_overlap_arrays);
RECO_FUNCTION(reco_tversky_arrays);
RECO_FUNCTION(reco_jaccard_tsvectors);
RECO_FUNCTION(reco_dice_tsvectors);
RECO_FUNCTION(reco_overlap_tsvectors);
RECO_FUNCTION(reco_tversky_tsvectors);

static double
tversky_weight(FunctionCallInfo fcinfo, int arg, const char *name)
{
	double weight = PG_GETARG_FLOAT8(arg);

	if (!(weight >= 0 && isfinite(weight)))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("argument \"%s\" must be a finite number of at least 0", name)));
	return weight;
}

static Datum
similarity(FunctionCallInfo fcinfo, SetIndex index, const reco_overlap *sets)
{
	double common = (double) sets->both;
	double only_a = (double) (sets->a - sets->both);
	double only_b = (double) (sets->b - sets->both);
	double alpha = 1;
	double beta = 1;

	if (index == TVERSKY)
	{
		alpha = tversky_weight(fcinfo, 2, "alpha");
		beta = tversky_weight(fcinfo, 3, "beta");
	}
	if (sets->a == 0 && sets->b == 0)
		PG_RETURN_NULL();
	if (sets->both == 0)
		PG_RETURN_FLOAT8(0);
	switch (index)
	{
		case DICE:
			alpha = beta = 0.5;
			break;
		case OVERLAP:
			PG_RETURN_FLOAT8(common / (common + Min(only_a, only_b)));
		default:
			break;
	}
	PG_RETURN_FLOAT8(common / (common + alpha * only_a + beta * only_b));
}

/* Whether values of the type are equal just when their bits are. */
static bool
plain_type(Oid type, int *size)
{
	switch (type)
	{
		case BOOLOID:
		case CHAROID:
			*size = 1;
			return true;
		case INT2OID:
			*size = 2;
			return true;
		case INT4OID:
		case OIDOID:
		case DATEOID:
			*size = 4;
			return true;
		case INT8OID:
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
			*size = 8;
			return true;
		default:
			return false;
	}
}

static void
read_plain(reco_member *members, const RecoArray *array, int size)
{
	for (int i = 0; i < array->n; i++)
	{
		const char *at = array->data + (size_t) i * size;
		uint16 two;
		uint32 four;

		RECO_POLL_AT(i + 1);
		if (size == 8)
			memcpy(&members[i].key, at, sizeof(uint64));
		else if (size == 4)
		{
			memcpy(&four, at, sizeof(four));
			members[i].key = four;
		}
		else if (size == 2)
		{
			memcpy(&two, at, sizeof(two));
			members[i].key = two;
		}
		else
			members[i].key = (unsigned char) *at;
		members[i].item = (uint32) i;
	}
}

static void
overlap_plain(const RecoArray *a, const RecoArray *b, int size, reco_overlap *sets)
{
	reco_member few[2][RECO_SORT_SMALL];
	reco_member *scratch = NULL;
	reco_member *x = few[0];
	reco_member *y = few[1];
	char *memory = NULL;

	if (Max(a->n, b->n) > RECO_SORT_SMALL)
	{
		size_t n = (size_t) a->n + b->n + Max(a->n, b->n);

		memory = reco_argument_alloc(n * sizeof(reco_member));
		x = (reco_member *) memory;
		y = x + a->n;
		scratch = y + b->n;
	}
	read_plain(x, a, size);
	read_plain(y, b, size);
	(void) reco_sort_members(x, scratch, a->n, &reco_poll_env);
	(void) reco_sort_members(y, scratch, b->n, &reco_poll_env);
	(void) reco_overlap_count(x, a->n, y, b->n, &reco_poll_env, sets);
	if (memory != NULL)
		pfree(memory);
}

/* The elements of both arrays, a's first; counts in n_a and n_b. */
static Datum *
elements_of(FunctionCallInfo fcinfo, TypeCacheEntry *type, const RecoArray *a, const RecoArray *b)
{
	Datum *all = reco_argument_alloc(sizeof(Datum) * ((size_t) a->n + b->n + 1));
	int at = 0;

	for (int arg = 0; arg < 2; arg++)
	{
		ArrayType *array = PG_GETARG_ARRAYTYPE_P(arg);
		Datum *elements;
		int n;

		deconstruct_array(array, ARR_ELEMTYPE(array), type->typlen, type->typbyval, type->typalign,
						  &elements, NULL, &n);
		memcpy(all + at, elements, sizeof(Datum) * n);
		at += n;
		pfree(elements);
	}
	return all;
}

/*
 * Members of one hash: each is compared with the distinct ones before it, which
 * are one, but for collisions.  Their numbers are kept in the front of the run.
 */
static void
count_run(reco_member *run, int64 n, const Datum *element, int n_a, FunctionCallInfo equal,
		  reco_overlap *sets)
{
	int64 distinct = 0;

	for (int64 i = 0; i < n; i++)
	{
		reco_member member = run[i];
		bool in_b = member.item >= (uint32) n_a;
		int64 j = 0;

		reco_poll();
		for (; j < distinct; j++)
		{
			reco_poll();
			equal->args[0].value = element[run[j].item];
			equal->args[1].value = element[member.item];
			equal->isnull = false;
			if (DatumGetBool(FunctionCallInvoke(equal)) && !equal->isnull)
				break;
		}
		if (j == distinct)
		{
			/* the key now says which sets the value is in */
			run[distinct] = member;
			run[distinct++].key = in_b ? 2 : 1;
		}
		else
			run[j].key |= in_b ? 2 : 1;
	}
	for (int64 j = 0; j < distinct; j++)
	{
		RECO_POLL_AT(j + 1);
		sets->a += (run[j].key & 1) != 0;
		sets->b += (run[j].key & 2) != 0;
		sets->both += run[j].key == 3;
	}
}

static void
overlap_hashed(const Datum *element, int n_a, int64 n, TypeCacheEntry *type, Oid collation,
			   reco_overlap *sets)
{
	LOCAL_FCINFO(equal, 2);
	bool extended = OidIsValid(type->hash_extended_proc_finfo.fn_oid);
	reco_member *members = reco_argument_alloc(2 * sizeof(reco_member) * n);

	for (int64 i = 0; i < n; i++)
	{
		Datum hash;

		reco_poll();
		if (extended)
		{
			hash = FunctionCall2Coll(&type->hash_extended_proc_finfo, collation, element[i],
									 UInt64GetDatum(0));
			members[i].key = DatumGetUInt64(hash);
		}
		else
		{
			hash = FunctionCall1Coll(&type->hash_proc_finfo, collation, element[i]);
			members[i].key = DatumGetUInt32(hash);
		}
		members[i].item = (uint32) i;
	}
	(void) reco_sort_members(members, members + n, n, &reco_poll_env);
	InitFunctionCallInfoData(*equal, &type->eq_opr_finfo, 2, collation, NULL, NULL);
	equal->args[0].isnull = false;
	equal->args[1].isnull = false;
	for (int64 i = 0, end; i < n; i = end)
	{
		for (end = i + 1; end < n && members[end].key == members[i].key; end++)
			RECO_POLL_AT(end);
		count_run(members + i, end - i, element, n_a, equal, sets);
	}
	pfree(members);
}

static int
compare_elements(const void *a, const void *b, void *arg)
{
	Order *order = arg;

	reco_poll();
	return DatumGetInt32(FunctionCall2Coll(&order->type->cmp_proc_finfo, order->collation,
										   *(const Datum *) a, *(const Datum *) b));
}

static void
overlap_ordered(Datum *element, int n_a, int64 n, TypeCacheEntry *type, Oid collation,
				reco_overlap *sets)
{
	Order order = {type, collation};
	Datum *a = element;
	Datum *b = element + n_a;
	size_t i = 0;
	size_t j = 0;

	qsort_arg(a, n_a, sizeof(Datum), compare_elements, &order);
	qsort_arg(b, n - n_a, sizeof(Datum), compare_elements, &order);
	sets->a = qunique_arg(a, n_a, sizeof(Datum), compare_elements, &order);
	sets->b = qunique_arg(b, n - n_a, sizeof(Datum), compare_elements, &order);
	while (i < (size_t) sets->a && j < (size_t) sets->b)
	{
		int compared = compare_elements(&a[i], &b[j], &order);

		i += compared <= 0;
		j += compared >= 0;
		sets->both += compared == 0;
	}
}

static void
overlap_any(FunctionCallInfo fcinfo, const RecoArray *a, const RecoArray *b, reco_overlap *sets)
{
	TypeCacheEntry *type = fcinfo->flinfo->fn_extra;
	int64 n = (int64) a->n + b->n;
	Datum *element;

	if (type == NULL || type->type_id != a->type)
	{
		type = lookup_type_cache(a->type, TYPECACHE_EQ_OPR_FINFO | TYPECACHE_HASH_PROC_FINFO |
											  TYPECACHE_HASH_EXTENDED_PROC_FINFO |
											  TYPECACHE_CMP_PROC_FINFO);
		fcinfo->flinfo->fn_extra = type;
	}
	if (!OidIsValid(type->eq_opr_finfo.fn_oid))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_FUNCTION),
						errmsg("could not identify an equality operator for type %s",
							   format_type_be(a->type))));
	element = elements_of(fcinfo, type, a, b);
	/* whether the columns of an anonymous record can be hashed shows too late */
	if (OidIsValid(type->cmp_proc_finfo.fn_oid) &&
		(a->type == RECORDOID || !OidIsValid(type->hash_proc_finfo.fn_oid)))
		overlap_ordered(element, a->n, n, type, PG_GET_COLLATION(), sets);
	else if (OidIsValid(type->hash_proc_finfo.fn_oid))
		overlap_hashed(element, a->n, n, type, PG_GET_COLLATION(), sets);
	else
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_FUNCTION),
						errmsg("could not identify a comparison function for type %s",
							   format_type_be(a->type))));
	pfree(element);
}

static Datum
arrays(FunctionCallInfo fcinfo, SetIndex index)
{
	reco_overlap sets = {0, 0, 0};
	RecoArray a;
	RecoArray b;
	int size;

	reco_array_get(&a, PG_GETARG_DATUM(0));
	reco_array_get(&b, PG_GETARG_DATUM(1));
	if (a.type != b.type)
		ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
						errmsg("cannot compare arrays of different element types"),
						errdetail("The types are %s and %s.", format_type_be(a.type),
								  format_type_be(b.type))));
	if (a.n == 0 || b.n == 0)
	{
		/* nothing in common; one member stands for all */
		sets.a = a.n > 0;
		sets.b = b.n > 0;
	}
	else if (plain_type(a.type, &size))
		overlap_plain(&a, &b, size, &sets);
	else
		overlap_any(fcinfo, &a, &b, &sets);
	reco_array_free(&a);
	reco_array_free(&b);
	return similarity(fcinfo, index, &sets);
}

static Datum
tsvectors(FunctionCallInfo fcinfo, SetIndex index)
{
	TSVector a = PG_GETARG_TSVECTOR(0);
	TSVector b = PG_GETARG_TSVECTOR(1);
	reco_overlap sets = {a->size, b->size, 0};
	int i = 0;
	int j = 0;
	int steps = 0;

	while (i < a->size && j < b->size)
	{
		int compared = reco_compare_lexemes(a, i, b, j);

		RECO_POLL_EACH(++steps, RECO_SEARCHES);
		i += compared <= 0;
		j += compared >= 0;
		sets.both += compared == 0;
	}
	PG_FREE_IF_COPY(a, 0);
	PG_FREE_IF_COPY(b, 1);
	return similarity(fcinfo, index, &sets);
}

Datum
reco_jaccard_arrays(PG_FUNCTION_ARGS)
{
	return arrays(fcinfo, JACCARD);
}

Datum
reco_dice_arrays(PG_FUNCTION_ARGS)
{
	return arrays(fcinfo, DICE);
}

Datum
reco_overlap_arrays(PG_FUNCTION_ARGS)
{
	return arrays(fcinfo, OVERLAP);
}

Datum
reco_tversky_arrays(PG_FUNCTION_ARGS)
{
	return arrays(fcinfo, TVERSKY);
}

Datum
reco_jaccard_tsvectors(PG_FUNCTION_ARGS)
{
	return tsvectors(fcinfo, JACCARD);
}

Datum
reco_dice_tsvectors(PG_FUNCTION_ARGS)
{
	return tsvectors(fcinfo, DICE);
}

Datum
reco_overlap_tsvectors(PG_FUNCTION_ARGS)
{
	return tsvectors(fcinfo, OVERLAP);
}

Datum
reco_tversky_tsvectors(PG_FUNCTION_ARGS)
{
	return tsvectors(fcinfo, TVERSKY);
}
