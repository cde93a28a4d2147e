/*
 * options.c
 *	  Named options: their types, ranges and defaults in one table, and the check
 *	  of what a user wrote against it.
 *
 * Nothing about an algorithm's options is written anywhere but in its table, so
 * an error can always list what is valid.
 */
#include "core/base/options.h"

#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool fail(char *buffer, size_t size, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Always false, so that a check can end with it. */
static bool
fail(char *buffer, size_t size, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(buffer, size, format, args);
	va_end(args);
	return false;
}

/*
 * The bytes of s to show, at most max, without cutting a UTF-8 character: what
 * an error quotes may end up in a table.
 */
static int
clip(const char *s, int max)
{
	int length = (int) strnlen(s, (size_t) max + 1);

	if (length <= max)
		return length;
	while (max > 0 && ((unsigned char) s[max] & 0xC0) == 0x80)
		max--;
	return max;
}

static void
store(const reco_option *option, void *target, double number)
{
	char *field = (char *) target + option->offset;

	switch (option->type)
	{
		case RECO_OPTION_INT:
		case RECO_OPTION_ENUM:
			*(int *) field = (int) number;
			break;
		case RECO_OPTION_SEED:
			*(uint64_t *) field = (uint64_t) number;
			break;
		case RECO_OPTION_REAL:
			*(double *) field = number;
			break;
		case RECO_OPTION_BOOL:
			if (option->open)
				*(int *) field = number != 0;
			else
				*(bool *) field = number != 0;
			break;
		case RECO_OPTION_TEXT:
			*(const char **) field = option->choices ? option->choices[0] : NULL;
			break;
		case RECO_OPTION_WEIGHTS:
		case RECO_OPTION_REALS:
		case RECO_OPTION_TEXTS:
		case RECO_OPTION_JSON:
		case RECO_OPTION_NESTED:
		case RECO_OPTION_NESTED_LIST:
			*(const void **) field = NULL;
			break;
	}
}

static void
store_default(const reco_option *option, void *target)
{
	char *field = (char *) target + option->offset;

	if (!option->open || option->type == RECO_OPTION_REALS)
		store(option, target, option->fallback);
	else if (option->type == RECO_OPTION_REAL)
		*(double *) field = NAN;
	else
		*(int *) field = INT_MIN;
}

bool
reco_option_is_open(const reco_option *option, const void *target)
{
	const char *field = (const char *) target + option->offset;

	if (!option->open)
		return false;
	if (option->type == RECO_OPTION_REAL)
		return isnan(*(const double *) field);
	if (option->type == RECO_OPTION_REALS)
		return *(const void *const *) field == NULL;
	return *(const int *) field == INT_MIN;
}

const reco_option *
reco_options_open(const reco_option *table, const void *target)
{
	const reco_option *option = table;

	while (option->name && !reco_option_is_open(option, target))
		option++;
	return option->name ? option : NULL;
}

bool
reco_options_chosen(const reco_option *table, const void *asked, void *target)
{
	for (const reco_option *option = table; option->name; option++)
	{
		double *real = (double *) ((char *) target + option->offset);
		char shown[32];

		if (reco_option_is_open(option, target))
			return false;
		if (option->type != RECO_OPTION_REAL || !reco_option_is_open(option, asked))
			continue;
		snprintf(shown, sizeof(shown), "%.4g", *real);
		*real = fmin(fmax(strtod(shown, NULL), option->min), option->max);
	}
	return true;
}

const reco_option *
reco_option_find(const reco_option *table, const char *name)
{
	const reco_option *option = table;

	while (option->name && strcmp(option->name, name) != 0)
		option++;
	return option->name ? option : NULL;
}

void
reco_options_init(const reco_option *table, void *target)
{
	for (const reco_option *option = table; option->name; option++)
		store_default(option, target);
}

/* Appends to a list "a, b, c", as far as there is room. */
static void
list_add(char *list, size_t size, const char *word, const char *quote)
{
	size_t length = strlen(list);

	snprintf(list + length, size - length, "%s%s%s%s", length ? ", " : "", quote, word, quote);
}

static bool
unrecognized(const reco_option *table, const char *owner, const char *name,
			 reco_option_error *error)
{
	char list[sizeof(error->hint) - 32] = "";

	for (const reco_option *option = table; option->name; option++)
		list_add(list, sizeof(list), option->name, "");
	if (list[0])
		fail(error->hint, sizeof(error->hint), "Valid options are: %s.", list);
	else
		fail(error->hint, sizeof(error->hint), "It takes no options.");
	return fail(error->message, sizeof(error->message), "unrecognized option \"%.*s\" of %s",
				clip(name, 60), name, owner);
}

static bool
check_choice(const reco_option *option, const char *owner, const reco_value *value, double *number,
			 reco_option_error *error)
{
	char list[sizeof(error->hint) - 32] = "";

	for (int i = 0; option->choices[i]; i++)
	{
		if (value->kind == RECO_VALUE_STRING && strcmp(option->choices[i], value->string) == 0)
		{
			*number = i;
			return true;
		}
		list_add(list, sizeof(list), option->choices[i], "\"");
	}
	fail(error->hint, sizeof(error->hint), "Valid values are: %s.", list);
	if (value->kind == RECO_VALUE_STRING)
		return fail(error->message, sizeof(error->message),
					"invalid value for option \"%s\" of %s: \"%.*s\"", option->name, owner,
					clip(value->string, 60), value->string);
	return fail(error->message, sizeof(error->message), "option \"%s\" of %s must be a string",
				option->name, owner);
}

static bool
check_number(const reco_option *option, const char *owner, const reco_value *value, double *number,
			 reco_option_error *error)
{
	bool whole = option->type != RECO_OPTION_REAL;

	if (whole)
		fail(error->hint, sizeof(error->hint), "It must be a whole number from %.0f to %.0f.",
			 option->min, option->max);
	else
		fail(error->hint, sizeof(error->hint), "It must be a number from %.15g to %.15g.",
			 option->min, option->max);
	if (value->kind != RECO_VALUE_NUMBER)
		return fail(error->message, sizeof(error->message), "option \"%s\" of %s must be a number",
					option->name, owner);
	/* written so that NaN fails too */
	if (!(value->number >= option->min && value->number <= option->max) ||
		(whole && value->number != floor(value->number)))
	{
		char shown[32] = "NaN";

		if (value->number == floor(value->number) && fabs(value->number) < 1e18)
			snprintf(shown, sizeof(shown), "%.0f", value->number);
		else if (value->number == value->number)
			snprintf(shown, sizeof(shown), "%.15g", value->number);
		return fail(error->message, sizeof(error->message),
					"value %s is out of range for option \"%s\" of %s", shown, option->name, owner);
	}
	*number = value->number;
	return true;
}

static bool
check_weights(const reco_option *option, const char *owner, const reco_value *value,
			  reco_option_error *error)
{
	fail(error->hint, sizeof(error->hint),
		 "It must be an object of numbers from %.15g to %.15g, such as %s.", option->min,
		 option->max, option->choices[0]);
	if (value->kind != RECO_VALUE_WEIGHTS)
		return fail(error->message, sizeof(error->message),
					"option \"%s\" of %s must be an object of numbers", option->name, owner);
	for (int i = 0; i < value->weights->n; i++)
		if (!(value->weights->weight[i] >= option->min && value->weights->weight[i] <= option->max))
			return fail(error->message, sizeof(error->message),
						"weight of \"%.*s\" is out of range for option \"%s\" of %s",
						clip(value->weights->name[i], 60), value->weights->name[i], option->name,
						owner);
	return true;
}

static bool
check_reals(const reco_option *option, const char *owner, const reco_value *value,
			reco_option_error *error)
{
	fail(error->hint, sizeof(error->hint),
		 "It must be an array of numbers from %.15g to %.15g, such as [1, 0.5].", option->min,
		 option->max);
	if (value->kind != RECO_VALUE_REALS)
		return fail(error->message, sizeof(error->message),
					"option \"%s\" of %s must be an array of numbers", option->name, owner);
	for (int i = 0; i < value->reals->n; i++)
		if (!(value->reals->value[i] >= option->min && value->reals->value[i] <= option->max))
			return fail(error->message, sizeof(error->message),
						"number %d is out of range for option \"%s\" of %s", i + 1, option->name,
						owner);
	return true;
}

static bool
check_texts(const reco_option *option, const char *owner, const reco_value *value,
			reco_option_error *error)
{
	fail(error->hint, sizeof(error->hint),
		 "It must be an array of at least one string, such as %s.", option->choices[0]);
	if (value->kind != RECO_VALUE_TEXTS)
		return fail(error->message, sizeof(error->message),
					"option \"%s\" of %s must be an array of strings", option->name, owner);
	if (value->texts->n == 0)
		return fail(error->message, sizeof(error->message),
					"option \"%s\" of %s must not be an empty array", option->name, owner);
	return true;
}

static bool
check_nested(const reco_option *option, const char *owner, const reco_value *value,
			 reco_option_error *error)
{
	fail(error->hint, sizeof(error->hint),
		 "It must be an algorithm, made with a function such as reco.ials().");
	if (value->kind != RECO_VALUE_NESTED)
		return fail(error->message, sizeof(error->message),
					"option \"%s\" of %s must be an algorithm", option->name, owner);
	return true;
}

static bool
check_list(const reco_option *option, const char *owner, const reco_value *value,
		   reco_option_error *error)
{
	fail(error->hint, sizeof(error->hint),
		 "It must be an array of %.0f to %.0f algorithms, such as ARRAY[reco.ials(), "
		 "reco.item_knn()].",
		 option->min, option->max);
	if (value->kind != RECO_VALUE_NESTED_LIST)
		return fail(error->message, sizeof(error->message),
					"option \"%s\" of %s must be an array of algorithms", option->name, owner);
	if (value->list->n < option->min || value->list->n > option->max)
		return fail(error->message, sizeof(error->message),
					"option \"%s\" of %s cannot be an array of length %d", option->name, owner,
					value->list->n);
	return true;
}

/* What is in it is for its owner to check. */
static bool
check_json(const reco_option *option, const char *owner, const reco_value *value,
		   reco_option_error *error)
{
	fail(error->hint, sizeof(error->hint), "It must be an array such as %s.", option->choices[0]);
	if (value->kind != RECO_VALUE_JSON)
		return fail(error->message, sizeof(error->message),
					"option \"%s\" of %s must be a JSON array", option->name, owner);
	return true;
}

/* What a text says is for its owner to check. */
static bool
check_text(const reco_option *option, const char *owner, const reco_value *value,
		   reco_option_error *error)
{
	if (value->kind != RECO_VALUE_STRING)
		return fail(error->message, sizeof(error->message), "option \"%s\" of %s must be a string",
					option->name, owner);
	return true;
}

/* Of an option whose field is a pointer: checks the value, and *kept is what is pointed to. */
static bool
check_pointer(const reco_option *option, const char *owner, const reco_value *value,
			  const void **kept, reco_option_error *error)
{
	switch (option->type)
	{
		case RECO_OPTION_WEIGHTS:
			*kept = value->weights;
			return check_weights(option, owner, value, error);
		case RECO_OPTION_REALS:
			*kept = value->reals;
			return check_reals(option, owner, value, error);
		case RECO_OPTION_TEXTS:
			*kept = value->texts;
			return check_texts(option, owner, value, error);
		case RECO_OPTION_TEXT:
			*kept = value->string;
			return check_text(option, owner, value, error);
		case RECO_OPTION_JSON:
			*kept = value->string;
			return check_json(option, owner, value, error);
		case RECO_OPTION_NESTED:
			*kept = value->nested;
			return check_nested(option, owner, value, error);
		default:
			*kept = value->list;
			return check_list(option, owner, value, error);
	}
}

static bool
is_pointer(const reco_option *option)
{
	return option->type == RECO_OPTION_TEXT || option->type == RECO_OPTION_WEIGHTS ||
		   option->type == RECO_OPTION_REALS || option->type == RECO_OPTION_TEXTS ||
		   option->type == RECO_OPTION_JSON || option->type == RECO_OPTION_NESTED ||
		   option->type == RECO_OPTION_NESTED_LIST;
}

bool
reco_options_complete(const reco_option *table, const void *target, const char *owner,
					  reco_option_error *error)
{
	error->message[0] = error->hint[0] = '\0';
	for (const reco_option *option = table; option->name; option++)
	{
		static const reco_value nothing = {.kind = RECO_VALUE_OTHER};
		const void *const *field = (const void *const *) ((const char *) target + option->offset);
		const void *kept;

		if ((option->type != RECO_OPTION_NESTED && option->type != RECO_OPTION_NESTED_LIST) ||
			option->min < 1 || *field != NULL)
			continue;
		/* for the hint */
		(void) check_pointer(option, owner, &nothing, &kept, error);
		return fail(error->message, sizeof(error->message), "%s lacks option \"%s\"", owner,
					option->name);
	}
	return true;
}

bool
reco_options_set(const reco_option *table, void *target, const char *owner, const char *name,
				 const reco_value *value, reco_option_error *error)
{
	const reco_option *option = reco_option_find(table, name);
	double number = 0;

	error->message[0] = error->hint[0] = '\0';
	if (option == NULL)
		return unrecognized(table, owner, name, error);
	if (value->kind == RECO_VALUE_NULL)
	{
		store_default(option, target);
		return true;
	}
	if (option->type == RECO_OPTION_ENUM)
	{
		if (!check_choice(option, owner, value, &number, error))
			return false;
	}
	else if (option->type == RECO_OPTION_BOOL)
	{
		if (value->kind != RECO_VALUE_BOOL)
		{
			fail(error->hint, sizeof(error->hint), "Valid values are: true, false.");
			return fail(error->message, sizeof(error->message),
						"option \"%s\" of %s must be a boolean", option->name, owner);
		}
		number = value->boolean;
	}
	else if (is_pointer(option))
	{
		const void *kept;

		if (!check_pointer(option, owner, value, &kept, error))
			return false;
		*(const void **) ((char *) target + option->offset) = kept;
		return true;
	}
	else if (!check_number(option, owner, value, &number, error))
		return false;
	store(option, target, number);
	return true;
}
