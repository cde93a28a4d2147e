/*
 * options.h
 *	  Named options: their types, ranges and defaults in one table, and the check
 *	  of what a user wrote against it.
 */
#ifndef RECO_CORE_BASE_OPTIONS_H
#define RECO_CORE_BASE_OPTIONS_H

#include "core/base/env.h"

typedef enum reco_option_type
{
	RECO_OPTION_INT,     /* int; INT_MIN: left open */
	RECO_OPTION_SEED,    /* uint64_t, a whole number from 0 to 2^53 */
	RECO_OPTION_REAL,    /* double; NaN: left open */
	RECO_OPTION_BOOL,    /* bool; one that may be left open is an int, INT_MIN: left open */
	RECO_OPTION_ENUM,    /* int, the place in choices; INT_MIN: left open */
	RECO_OPTION_TEXT,    /* const char *; the default is choices[0], without choices NULL */
	RECO_OPTION_WEIGHTS, /* const reco_weights *; NULL: not given */
	RECO_OPTION_REALS,   /* const reco_reals *; NULL: not given, or left open */
	RECO_OPTION_TEXTS,   /* const reco_texts *; NULL: not given */
	/* const char *, a JSON array as a text, whatever is in it; NULL: not given; choices[0] is one
	 */
	RECO_OPTION_JSON,
	RECO_OPTION_NESTED, /* void *, an algorithm; NULL: not given, which min 1 does not allow */
	/* const reco_nested *, from min to max algorithms; NULL: not given, unless min is 0 */
	RECO_OPTION_NESTED_LIST
} reco_option_type;

/* Numbers by name. */
typedef struct reco_weights
{
	int n;
	const char **name; /* zero-terminated */
	double *weight;
} reco_weights;

/* Numbers in an array. */
typedef struct reco_reals
{
	int n;
	double *value;
} reco_reals;

/* Texts in an array. */
typedef struct reco_texts
{
	int n;
	const char **value; /* zero-terminated */
} reco_texts;

/* Algorithms in an array: whatever the caller has made of them. */
typedef struct reco_nested
{
	int n;
	void **value;
} reco_nested;

/*
 * One option of an algorithm.  A table of them ends with a NULL name.
 */
typedef struct reco_option
{
	const char *name;
	reco_option_type type;
	size_t offset;   /* of the field in the algorithm's struct */
	double fallback; /* default; the place in choices for an enum */
	double min;      /* of a number, or of the length of a list; inclusive */
	double max;
	/* of an enum, ends with NULL; of a text the default; of weights, texts and JSON an example */
	const char *const *choices;
	/* not given, an INT, a REAL, a BOOL, an ENUM or REALS are left open, to be chosen by the data:
	 * no fallback */
	bool open;
} reco_option;

typedef enum reco_value_kind
{
	RECO_VALUE_NULL, /* take the default */
	RECO_VALUE_NUMBER,
	RECO_VALUE_BOOL,
	RECO_VALUE_STRING,
	RECO_VALUE_JSON, /* in string */
	RECO_VALUE_WEIGHTS,
	RECO_VALUE_REALS,
	RECO_VALUE_TEXTS,
	RECO_VALUE_NESTED,
	RECO_VALUE_NESTED_LIST,
	RECO_VALUE_OTHER
} reco_value_kind;

typedef struct reco_value
{
	reco_value_kind kind;
	double number;
	bool boolean;
	const char *string; /* zero-terminated */
	/* kept by reference */
	const reco_weights *weights;
	const reco_reals *reals;
	const reco_texts *texts;
	void *nested;
	const reco_nested *list;
} reco_value;

/* What is wrong, in PostgreSQL's wording; both zero-terminated. */
typedef struct reco_option_error
{
	char message[256];
	char hint[512];
} reco_option_error;

/* The option of a name; NULL: there is none. */
extern const reco_option *reco_option_find(const reco_option *table, const char *name);

/* Fills the struct with the defaults; what can be left open is. */
extern void reco_options_init(const reco_option *table, void *target);

/* Whether that option is left open in target. */
extern bool reco_option_is_open(const reco_option *option, const void *target);

/* The first option that is left open, those of algorithms among them not counted; or NULL. */
extern const reco_option *reco_options_open(const reco_option *table, const void *target);

/*
 * Once target has what was chosen for what asked leaves open: numbers to four digits and within
 * their range.  False: something is still open, or what was chosen is no number.
 */
extern bool reco_options_chosen(const reco_option *table, const void *asked, void *target);

/*
 * Sets one option from what the user wrote.  owner is how an error names the
 * bearer of the options, e.g. algorithm "ials"; it is short.  False: *error tells why and
 * nothing was changed.
 */
extern bool reco_options_set(const reco_option *table, void *target, const char *owner,
							 const char *name, const reco_value *value, reco_option_error *error);

/*
 * Once all that the user wrote is set: false where what must be given is not, and *error tells.
 */
extern bool reco_options_complete(const reco_option *table, const void *target, const char *owner,
								  reco_option_error *error);

#endif /* RECO_CORE_BASE_OPTIONS_H */
