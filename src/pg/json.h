/*
 * json.h
 *	  Reading and writing small objects of JSON.
 *
 * What is read may have been written by anybody: what is not there, or is of another kind, is
 * nothing, and no error.
 */
#ifndef RECO_PG_JSON_H
#define RECO_PG_JSON_H

#include "pg/pg.h"

#include "lib/stringinfo.h"
#include "utils/jsonb.h"

/* object may be NULL, or no object. */

/* A number; NaN: there is none. */
extern double reco_json_number(const JsonbContainer *object, const char *key);
/* A string, palloc'd; NULL: there is none. */
extern char *reco_json_text(const JsonbContainer *object, const char *key);
/* An object or an array, within the whole; NULL: there is none. */
extern JsonbContainer *reco_json_container(const JsonbContainer *object, const char *key);
/* The elements of an array that are objects; NIL where it is none. */
extern List *reco_json_objects(JsonbContainer *array);

/* What an object is written with: its text so far. */

/* Begins a member with its key. */
extern void reco_json_key(StringInfo text, const char *key);
/* A whole member; a number that is not finite, or a string that is NULL, is left out. */
extern void reco_json_add_number(StringInfo text, const char *key, double value);
extern void reco_json_add_text(StringInfo text, const char *key, const char *value);
/* The text of a whole object or array. */
extern void reco_json_add(StringInfo text, const char *key, const char *value);
/* Ends the object; its text. */
extern char *reco_json_end(StringInfo text);
extern Jsonb *reco_json_of(const char *text);

#endif /* RECO_PG_JSON_H */
