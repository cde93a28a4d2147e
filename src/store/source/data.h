/*
 * data.h
 *	  What is read of a model's source, and what is asked of it.
 */
#ifndef RECO_STORE_SOURCE_DATA_H
#define RECO_STORE_SOURCE_DATA_H

#include "pg/pg.h"

#include "core/data/triples.h"
#include "core/data/value_rule.h"
#include "store/ids/ident.h"
#include "store/source/kinds.h"
#include "store/tables/definition.h"
#include "utils/jsonb.h"

/* Squares of confidences stay within float8, and float4 sums within float4. */
#define RECO_MAX_VALUE 1e18

typedef enum OnInvalid
{
	ON_INVALID_ERROR,
	ON_INVALID_SKIP
} OnInvalid;

/* Whether what a user has is read from the source when serving. */
typedef enum RecoLiveMode
{
	RECO_LIVE_AUTO, /* where the source answers cheaply */
	RECO_LIVE_ON,
	RECO_LIVE_OFF
} RecoLiveMode;

/* What of a user's events are one basket. */
typedef enum RecoBasketBy
{
	RECO_BASKET_BY_TIME, /* those of one time */
	RECO_BASKET_BY_DAY   /* those of a day, UTC */
} RecoBasketBy;

/* reco.options(): what is about the data, not about the mathematics. */
typedef struct RecoDataOptions
{
	int on_invalid;
	int min_user_interactions;
	int min_item_interactions;
	int min_users_per_item;    /* whatever the other rules leave; 0: any */
	int max_user_interactions; /* 0: all */
	int keep_versions;
	int live;
	int basket_by;        /* RecoBasketBy */
	int value;            /* reco_value_rule_kind */
	double value_cap;     /* 0: not given */
	bool measure;         /* a new version is measured */
	bool pseudonyms;      /* a model has pseudonyms of its users, and nothing else */
	double half_life;     /* of rows, in microseconds; 0: they do not fade */
	int64 max_age;        /* of rows that count, likewise; 0: of any age */
	const char *since;    /* a time with its offset from UTC, that rows are not before; NULL: any */
	const char *until;    /* likewise, that they are before */
	bool cancel_negative; /* a value below 0 takes back what the user has */
	/* kinds of events: what they weigh, and which count as seen; NULL: all the same */
	const reco_weights *kind_weights;
	const reco_texts *seen_kinds;
	const reco_texts *cancel_kinds; /* kinds that take back what the user has; NULL: none */
	RecoKinds *kinds;               /* made of these; NULL: none is given */
	const char *half_life_text;
	const char *max_age_text;
	const reco_texts *exclude_items; /* ids of what is no product; NULL: none */
	const char *session_gap; /* an interval between sessions of a user; NULL: they are not cut */
	const char *retune;      /* an interval, after which an algorithm is chosen anew; NULL: never */
	/* no option: users are read as pseudonyms that are made like these; NULL: as they are */
	const struct IdPseudonyms *like;
} RecoDataOptions;

/* An error unless these are options of data; NULL: the defaults. */
extern void reco_data_options_parse(Jsonb *value, RecoDataOptions *options);

/* The option of that name, palloc'd; NULL: none. */
extern Interval *reco_data_retune(const RecoDataOptions *options);

/*
 * An event so much later than the one before begins another session of a user, in units of times
 * of a type; 0: nothing does.  An error where there are no such times.
 */
extern int64 reco_data_session_gap(const RecoDataOptions *options, Oid time_type);

/* The same in words. */
extern char *reco_data_session_gap_text(const RecoDataOptions *options);

/* How long a basket is, in units of times of a type; 0: each time is one. */
extern int64 reco_data_basket(const RecoDataOptions *options, Oid time_type);
/* An error where times of a type, InvalidOid: none, do not say what is a basket. */
extern void reco_data_check_basket(const RecoDataOptions *options, Oid time_type);

/*
 * How rows fade, in units of times of a type, from a version's reference time on.  An error where
 * there are no such times.
 */
extern reco_decay reco_data_decay(const RecoDataOptions *options, Oid time_type,
								  TimestampTz reference);

/* The lengths of time and the times that the options name, checked; sets half_life and max_age. */
extern void reco_data_ages_parse(RecoDataOptions *options);

/* The times of rows that count, in their units, both ends included. */
typedef struct RecoWindow
{
	int64 from; /* PG_INT64_MIN: also when it is not known */
	int64 last;
} RecoWindow;

/* By since and until, of times of a type.  An error where there are no such times. */
extern RecoWindow reco_data_window(const RecoDataOptions *options, Oid time_type);

/*
 * By max_age: rows before that time are too old; PG_INT64_MIN: none is.  Likewise.
 */
extern int64 reco_data_oldest(const RecoDataOptions *options, Oid time_type, TimestampTz reference);

/* Whether rows take back what others say. */
static inline bool
reco_data_cancels(const RecoDataOptions *options)
{
	return options->cancel_negative || (options->cancel_kinds && options->cancel_kinds->n > 0);
}

/*
 * The items of exclude_items, read as the type reads its texts, in the current memory context;
 * NULL: none.
 */
extern IdDict *reco_data_excluded(const RecoDataOptions *options, IdType *item_type);

/* Whether what counts as seen may be other than what is learnt from. */
static inline bool
reco_data_keeps_seen(const RecoDataOptions *options)
{
	return options->kinds && options->kinds->differs;
}

/* What the options say of what a user keeps, in units of times of a type. */
extern reco_row_rules reco_data_row_rules(const RecoDataOptions *options, Oid time_type,
										  TimestampTz reference);

/* What the options say of what a value counts where lists are made. */
extern reco_value_rule reco_data_value_rule(const RecoDataOptions *options);

/* Merged values of a user or a basket, in place, as a version's options say. */
extern void reco_data_values(const RecoDataOptions *options, float *value, int64 n);

struct RecoSpec;
/* An error when some member of an algorithm predicts values, and values are to be others. */
extern void reco_data_check_values(const RecoDataOptions *options, const struct RecoSpec *spec);

/*
 * Options (NULL: the defaults) with the rule that values were made by, and where that is above 0
 * the minimum by which items are withheld.
 */
extern Jsonb *reco_data_options_record(Jsonb *options, const reco_value_rule *rule,
									   int32 min_users_per_item);

/* What rules left out or changed. */
typedef enum RecoCount
{
	/* rows */
	RECO_COUNT_NO_USER, /* it is NULL */
	RECO_COUNT_NO_ITEM,
	RECO_COUNT_NO_VALUE,
	RECO_COUNT_NO_KIND,
	RECO_COUNT_UNKNOWN,   /* of items that a given version does not know */
	RECO_COUNT_INVALID,   /* with on_invalid => 'skip': no finite value in range, an id too long */
	RECO_COUNT_EXCLUDED,  /* of an item of exclude_items */
	RECO_COUNT_KIND,      /* with on_invalid => 'skip': of a kind that has no weight */
	RECO_COUNT_OUTSIDE,   /* its time is outside of since, until and max_age */
	RECO_COUNT_CANCELLED, /* another has taken it back */
	RECO_COUNT_CANCELLED_IN_PART,
	RECO_COUNT_CANCELLING, /* takes back others */
	RECO_COUNT_UNMATCHED,  /* of these, such as found less than they take back */
	RECO_COUNT_WEIGHTLESS, /* of a kind of weight 0, whether it counts as seen or not */
	RECO_COUNT_MERGED,     /* went into another row's pair */
	/* pairs, as the algorithm takes their values */
	RECO_COUNT_NEGATIVE,
	RECO_COUNT_ZERO,
	/* of users, by max_user_interactions */
	RECO_COUNT_INTERACTIONS_CAPPED,
	RECO_COUNT_USERS_CAPPED,
	/* by the minimums, and those with none left */
	RECO_COUNT_USERS_DROPPED,
	RECO_COUNT_ITEMS_DROPPED,
	RECO_COUNT_INTERACTIONS_DROPPED, /* of these users and items */
	/* rows of items */
	RECO_COUNT_ITEMS_INVALID,
	/* rows of users */
	RECO_COUNT_USERS_INVALID,
	RECO_COUNTS
} RecoCount;

/* The rows that are left out because something is NULL. */
static inline int64
reco_count_nulls(const int64 *count)
{
	return count[RECO_COUNT_NO_USER] + count[RECO_COUNT_NO_ITEM] + count[RECO_COUNT_NO_VALUE] +
		   count[RECO_COUNT_NO_KIND];
}

/* What a source held, ready to train on. */
typedef struct RecoData
{
	IdType user_type;
	IdType item_type;
	bool has_value;
	bool has_time;
	bool events;            /* somebody reads them: RECO_KEEP_EVENTS */
	Oid value_type;         /* without its domain; InvalidOid: it has none */
	Oid time_type;          /* likewise */
	Oid kind_type;          /* likewise */
	char *column[5];        /* names: user, item, value, time, kind; NULL: it has none */
	reco_value_rule values; /* what values are to count where lists are made */
	IdDict *users;          /* in the order of their ids */
	IdDict *items;          /* where a version's items were given, those that it does not know */
	reco_interactions x;
	int64 rows_read;
	int64 count[RECO_COUNTS];
	/* who has the most interactions, and whether most pairs of items come from that user */
	int32 longest_user;
	int64 longest;
	bool longest_rules;
	float *trend;                       /* of the items; NULL: the source has no times */
	TimestampTz reference_time;         /* that ages are counted from; RECO_NO_REFERENCE_TIME */
	reco_decay decay;                   /* how rows have faded */
	char *kinds;                        /* for messages: the rows of each kind; NULL: none */
	struct RecoFeatures *features;      /* NULL: no query of items was given */
	struct RecoFeatures *user_features; /* NULL: no query of users was given */
	const struct RecoPriors *priors;    /* NULL: nobody asked for any */
	const int32 *origin;                /* by user: who the priors know them as; NULL: the same */
	bool row_security;                  /* policies decided which rows were read */
	bool available;                     /* items say what is available */
} RecoData;

/* What of a source is kept besides its matrix. */
#define RECO_KEEP_TIMES 1   /* of interactions */
#define RECO_KEEP_REPEATS 2 /* the rows of pairs that have more than one */
#define RECO_KEEP_EVENTS 7  /* both, and of the training part of an evaluation, too */

/* What an algorithm reads of these. */
extern unsigned reco_data_keep(const struct RecoSpec *spec, const RecoDataOptions *options);

/*
 * A NOTICE where an algorithm goes by an order that the source does not tell, or not by sessions
 * that are cut.
 */
extern void reco_data_tell_order(const RecoData *data, const struct RecoSpec *spec);

/* Sets longest_user and what goes with it. */
extern void reco_data_find_longest(RecoData *data);

/* The counts for a version's rows_skipped. */
extern Jsonb *reco_data_skipped(const RecoData *data);

/* For messages: the rows of a source, and what became of them. */
extern char *reco_data_rows(const RecoData *data);

#endif /* RECO_STORE_SOURCE_DATA_H */
