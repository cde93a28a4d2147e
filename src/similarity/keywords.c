/*
 * keywords.c
 *	  Cosine of two texts' keywords, and keywords of texts without spaces.
 *
 * A tsvector is a vector with one component a lexeme: how often it occurs, that
 * is its number of positions, and 1 for a lexeme that was stripped of them.  A
 * jsonb object {"keyword": weight} is such a vector with weights of its own.
 *
 * bigrams() cuts a text into runs of letters and digits and each run into all
 * pairs of neighbouring characters (a run of one character is kept), which finds
 * Chinese and Japanese words well enough without a parser.  A pair is at most
 * eight bytes, so it is a number, whose order is the order of lexemes in a
 * tsvector; sorting numbers is all that is left to do.
 *
 * Cost: the cosines walk both vectors once, in their common order; bigrams takes
 * 16 bytes of memory a character, twice, and a radix sort.
 */
#include "similarity/similarity.h"

#include "catalog/namespace.h"
#include "core/similarity/sets.h"
#include "core/similarity/words.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "tsearch/ts_type.h"
#include "utils/builtins.h"
#include "utils/float.h"
#include "utils/fmgrprotos.h"
#include "utils/formatting.h"
#include "utils/jsonb.h"
#include "utils/numeric.h"

#include <math.h>

/* The keywords of one object, in jsonb's order of keys. */
typedef struct Keyword
{
	const char *name;
	int length;
	double weight;
} Keyword;

/* How characters become code points in this database. */
typedef struct Encoding
{
	int encoding;
	Oid to_utf8; /* neither UTF-8 nor without a meaning: the conversion */
} Encoding;

RECO_FUNCTION(reco_cosine_tsvectors);
RECO_FUNCTION(reco_cosine_jsonb);
RECO_FUNCTION(reco_bigrams);

int
reco_compare_lexemes(TSVector a, int i, TSVector b, int j)
{
	WordEntry *x = ARRPTR(a) + i;
	WordEntry *y = ARRPTR(b) + j;
	int compared = memcmp(STRPTR(a) + x->pos, STRPTR(b) + y->pos, Min(x->len, y->len));

	return compared != 0 ? compared : (int) x->len - (int) y->len;
}

/* How often lexeme i occurs. */
static double
occurrences(TSVector vector, int i)
{
	WordEntry *entry = ARRPTR(vector) + i;

	return entry->haspos ? Max(POSDATALEN(vector, entry), 1) : 1;
}

Datum
reco_cosine_tsvectors(PG_FUNCTION_ARGS)
{
	TSVector a = PG_GETARG_TSVECTOR(0);
	TSVector b = PG_GETARG_TSVECTOR(1);
	reco_cosine_sums sums = {{0}};
	double result;
	bool defined;
	int i = 0;
	int j = 0;
	int steps = 0;

	while (i < a->size || j < b->size)
	{
		int compared = i >= a->size ? 1 : j >= b->size ? -1 : reco_compare_lexemes(a, i, b, j);
		double x = compared <= 0 ? occurrences(a, i++) : 0;
		double y = compared >= 0 ? occurrences(b, j++) : 0;

		RECO_POLL_EACH(++steps, RECO_SEARCHES);
		reco_pair_add(&sums, x, y);
	}
	defined = reco_pair_cosine(&sums, &result);
	PG_FREE_IF_COPY(a, 0);
	PG_FREE_IF_COPY(b, 1);
	if (!defined)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(result);
}

static void
not_an_object(Jsonb *value)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("cannot call %s on %s", "cosine_similarity",
						   JB_ROOT_IS_SCALAR(value) ? "a scalar" : "an array"),
					errhint("Pass objects of keywords and weights, such as {\"red\": 2}.")));
}

static Keyword *
keywords_of(Jsonb *value, int *count)
{
	int n = (int) JB_ROOT_COUNT(value);
	Keyword *keyword;
	JsonbIterator *iterator;
	JsonbIteratorToken token;
	JsonbValue part;
	int at = -1;

	if (!JB_ROOT_IS_OBJECT(value))
		not_an_object(value);
	keyword = reco_argument_alloc(sizeof(Keyword) * ((size_t) n + 1));
	iterator = JsonbIteratorInit(&value->root);
	while ((token = JsonbIteratorNext(&iterator, &part, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
			keyword[++at] = (Keyword){part.val.string.val, part.val.string.len, 0};
		else if (token == WJB_VALUE)
		{
			if (part.type != jbvNumeric)
				ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
								errmsg("weight of keyword \"%.*s\" is not a number",
									   pg_mbcliplen(keyword[at].name, keyword[at].length, 100),
									   keyword[at].name),
								errhint("Weights are numbers, as in {\"red\": 2}.")));
			keyword[at].weight = DatumGetFloat8(
				DirectFunctionCall1(numeric_float8_no_overflow, NumericGetDatum(part.val.numeric)));
			reco_poll();
		}
	}
	*count = at + 1;
	return keyword;
}

/* jsonb's order of keys: by length first */
static int
compare_keywords(const Keyword *a, const Keyword *b)
{
	if (a->length != b->length)
		return a->length < b->length ? -1 : 1;
	return memcmp(a->name, b->name, a->length);
}

Datum
reco_cosine_jsonb(PG_FUNCTION_ARGS)
{
	Jsonb *json_a = PG_GETARG_JSONB_P(0);
	Jsonb *json_b = PG_GETARG_JSONB_P(1);
	reco_cosine_sums sums = {{0}};
	int n_a;
	int n_b;
	Keyword *a = keywords_of(json_a, &n_a);
	Keyword *b = keywords_of(json_b, &n_b);
	double result;
	int i = 0;
	int j = 0;
	int steps = 0;

	while (i < n_a || j < n_b)
	{
		int compared = i >= n_a ? 1 : j >= n_b ? -1 : compare_keywords(&a[i], &b[j]);
		double x = compared <= 0 ? a[i++].weight : 0;
		double y = compared >= 0 ? b[j++].weight : 0;

		RECO_POLL_EACH(++steps, RECO_SEARCHES);
		if (!reco_pair_add(&sums, x, y))
			reco_value_not_finite(isfinite(x) ? y : x);
	}
	pfree(a);
	pfree(b);
	if (!reco_pair_cosine(&sums, &result))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(result);
}

static Encoding
database_encoding(void)
{
	Encoding encoding = {GetDatabaseEncoding(), InvalidOid};

	if (encoding.encoding != PG_UTF8 && encoding.encoding != PG_SQL_ASCII &&
		encoding.encoding != PG_MULE_INTERNAL)
		encoding.to_utf8 = FindDefaultConversionProc(encoding.encoding, PG_UTF8);
	return encoding;
}

/*
 * Whether a character belongs to a word.  What has no code point, as all beyond
 * ASCII in an SQL_ASCII database, does.
 */
static bool
in_word(const Encoding *encoding, const char *character, int length)
{
	unsigned char utf8[4 * MAX_CONVERSION_GROWTH + 1];
	const unsigned char *bytes = (const unsigned char *) character;

	if (!IS_HIGHBIT_SET(*bytes))
		return reco_in_word(*bytes);
	if (OidIsValid(encoding->to_utf8))
	{
		if (pg_do_encoding_conversion_buf(encoding->to_utf8, encoding->encoding, PG_UTF8,
										  unconstify(unsigned char *, bytes), length, utf8,
										  sizeof(utf8), true) < length)
			return true;
		bytes = utf8;
	}
	else if (encoding->encoding != PG_UTF8)
		return true;
	return reco_in_word(utf8_to_unicode(bytes));
}

/* The bytes of a character, up to four, as a number. */
static uint32
bytes_number(const char *character, int length)
{
	uint32 number = 0;

	for (int i = 0; i < length; i++)
		number = number << 8 | (unsigned char) character[i];
	return number;
}

/* A lexeme of up to eight bytes, the first one the highest. */
static uint64
lexeme_number(uint32 first, int first_length, uint32 second, int second_length)
{
	return (uint64) first << (8 * (8 - first_length)) |
		   (uint64) second << (8 * (8 - first_length - second_length)) * (second_length > 0);
}

/*
 * Cuts a text of n bytes, a zero behind it, into bigrams, numbered from 1 in
 * the order of the text.
 */
static int64
cut(const char *text, size_t n, reco_member *lexeme)
{
	Encoding encoding = database_encoding();
	const char *end = text + n;
	int64 count = 0;
	uint32 before = 0;
	int before_length = 0; /* 0: not in a run */
	bool alone = false;    /* the run has one character so far */
	int64 read = 0;

	for (int length; text < end; text += length)
	{
		bool word;
		uint32 character;

		/* by characters: what is no word has no lexemes, and may be converted to be known */
		RECO_POLL_EACH(read++, RECO_SEARCHES);
		length = Min(pg_mblen(text), (int) Min(end - text, 4));
		word = in_word(&encoding, text, length);
		character = bytes_number(text, length);
		if (word && before_length > 0)
		{
			lexeme[count].key = lexeme_number(before, before_length, character, length);
			lexeme[count].item = (uint32) (count + 1);
			count++;
		}
		else if (!word && alone)
		{
			lexeme[count].key = lexeme_number(before, before_length, 0, 0);
			lexeme[count].item = (uint32) (count + 1);
			count++;
		}
		alone = word && before_length == 0;
		before = character;
		before_length = word ? length : 0;
	}
	if (alone)
	{
		lexeme[count].key = lexeme_number(before, before_length, 0, 0);
		lexeme[count].item = (uint32) (count + 1);
		count++;
	}
	return count;
}

static int
lexeme_length(uint64 key)
{
	int length = 8;

	for (; (key & 0xFF) == 0; key >>= 8)
		length--;
	return length;
}

/* Writes the positions of members of one key behind it; returns their number. */
static int
write_positions(char *to, const reco_member *member, int64 n)
{
	WordEntryPos *position = (WordEntryPos *) (to + sizeof(uint16));
	uint16 count = 0;

	for (int64 i = 0; i < n && count < MAXNUMPOS - 1; i++)
	{
		WordEntryPos at = LIMITPOS(member[i].item);

		if (count == 0 || position[count - 1] != at)
			position[count++] = at;
		if (at == MAXENTRYPOS - 1)
			break;
	}
	memcpy(to, &count, sizeof(count));
	return count;
}

static void
too_long(int64 bytes)
{
	ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					errmsg("string is too long for tsvector (%lld bytes, max %d bytes)",
						   (long long) bytes, MAXSTRPOS)));
}

/* The vector of sorted members. */
static TSVector
make_vector(const reco_member *member, int64 n)
{
	int64 lexemes = 0;
	int64 most;
	int64 bytes = 0;
	TSVector vector;
	char *text;
	int at = 0;

	for (int64 i = 0; i < n; i++)
	{
		RECO_POLL_AT(i);
		lexemes += i == 0 || member[i].key != member[i - 1].key;
	}
	if (lexemes > MAXSTRPOS / 4)
		too_long(lexemes * 4);
	/*
	 * At most: lexemes, aligned, with a number of positions each, and all
	 * positions; what passes the limit of a tsvector passes it by one lexeme.
	 */
	most = lexemes * (8 + sizeof(uint16)) +
		   Min(n, lexemes * (MAXNUMPOS - 1)) * (int64) sizeof(WordEntryPos);
	most = Min(most, MAXSTRPOS + 10 + (int64) sizeof(WordEntryPos) * MAXNUMPOS);
	vector = palloc0(CALCDATASIZE(lexemes, most));
	vector->size = (int32) lexemes;
	text = STRPTR(vector);
	for (int64 i = 0, next; i < n; i = next)
	{
		WordEntry *entry = ARRPTR(vector) + at++;
		int length = lexeme_length(member[i].key);

		for (next = i + 1; next < n && member[next].key == member[i].key; next++)
			RECO_POLL_AT(next);
		RECO_POLL_EACH(at, RECO_SEARCHES);
		if (bytes > MAXSTRPOS)
			too_long(bytes);
		entry->haspos = 1;
		entry->len = length;
		entry->pos = bytes;
		for (int k = 0; k < length; k++)
			text[bytes++] = (char) (member[i].key >> (8 * (7 - k)));
		bytes = SHORTALIGN(bytes);
		bytes += sizeof(uint16) +
				 sizeof(WordEntryPos) * write_positions(text + bytes, member + i, next - i);
	}
	if (bytes > MAXSTRPOS)
		too_long(bytes);
	SET_VARSIZE(vector, CALCDATASIZE(lexemes, bytes));
	return vector;
}

Datum
reco_bigrams(PG_FUNCTION_ARGS)
{
	text *argument = PG_GETARG_TEXT_PP(0);
	char *lower =
		str_tolower(VARDATA_ANY(argument), VARSIZE_ANY_EXHDR(argument), PG_GET_COLLATION());
	size_t bytes = strlen(lower);
	size_t most = (size_t) pg_mbstrlen_with_len(lower, (int) bytes);
	reco_member *lexeme = reco_argument_alloc(2 * (most + 1) * sizeof(reco_member));
	int64 n = cut(lower, bytes, lexeme);
	TSVector result;

	(void) reco_sort_members(lexeme, lexeme + most + 1, n, &reco_poll_env);
	result = make_vector(lexeme, n);
	pfree(lexeme);
	pfree(lower);
	PG_FREE_IF_COPY(argument, 0);
	PG_RETURN_TSVECTOR(result);
}
