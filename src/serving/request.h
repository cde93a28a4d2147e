/*
 * request.h
 *	  What a serving function was asked: the model, the subject and the options.
 */
#ifndef RECO_SERVING_REQUEST_H
#define RECO_SERVING_REQUEST_H

#include "core/data/topn.h"
#include "store/image/cache.h"
#include "utils/array.h"

typedef struct Request
{
	Serving *serving;
	ModelRow row;
	bool has_subject;
	Datum subject;
	Oid subject_type;
	Jsonb *options;
} Request;

/*
 * Reads the arguments (model regnamespace, subject anyelement, options jsonb)
 * and opens the model, whose function of that name the caller must have the right to
 * call.
 */
extern void request_read(FunctionCallInfo fcinfo, const char *function, Request *request);

/* The subject as a user's or an item's id; false when it cannot be one. */
extern bool request_user(Request *request, ServedUser *user);
extern bool request_item(Request *request, Datum *id);

/*
 * The subject as an array of ids of items, named in messages, or as one id: the numbers of
 * the items in their order, -1 of one that the model does not know; *n of them.
 */
extern int32 *request_subject_items(Request *request, const char *name, int *n);

/* Options by name; a missing one and null give the default. */
/* Whether an option is there and not null. */
extern bool request_has(Request *request, const char *name);

/* A number, or the fallback; one from 0 to 1, by default 0; a whole one. */
extern double request_number(Request *request, const char *name, double fallback);
extern double request_share(Request *request, const char *name);
extern int64 request_int64(Request *request, const char *name, int64 fallback);
extern bool request_bool(Request *request, const char *name, bool fallback);
extern char *request_string(Request *request, const char *name, const char *fallback);

/* Option "n": at most `all`; null means all; an error when negative. */
extern int32 request_n(Request *request, int32 all);

/*
 * An option that is an id or an array of ids of items.  Calls visit for each, in order,
 * with its number, or -1 for an item that the model does not know; id is NULL where no
 * item can have that id (a number too large for their type).  Memory that visit takes in
 * the current context goes with the element.  Returns false when the option is missing or
 * null.
 */
typedef void (*IdVisitor)(void *arg, int32 number, const Datum *id);
extern bool request_items(Request *request, const char *name, IdVisitor visit, void *arg);

/* The same of users, without their numbers. */
extern bool request_users(Request *request, const char *name, IdVisitor visit, void *arg);

/* Of one item: its number, or -1 when it is missing or unknown. */
extern int32 request_one_item(Request *request, const char *name);

/* An option that is an array of numbers; NULL when missing; *n its length. */
extern float *request_numbers(Request *request, const char *name, int *n);

#endif /* RECO_SERVING_REQUEST_H */
