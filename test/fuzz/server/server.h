/*
 * server.h
 *	  A stand-in for the server, for targets that run files of src/similarity and src/store
 *	  outside of it.
 */
#ifndef RECO_FUZZ_SERVER_H
#define RECO_FUZZ_SERVER_H

#include "pg/pg.h"

#include "../fuzz.h"

/* Calls f(arg); false when it ended with an error. */
extern bool server_try(void (*f)(void *), void *arg);

/* Frees all that was allocated since the last reset. */
extern void server_reset(void);

/* A varlena of these bytes, as short as can be when asked for. */
extern struct varlena *server_varlena(const void *data, size_t size, bool packed);

/* The type of the argument that get_fn_expr_argtype tells. */
extern Oid server_argument_type;

/*
 * The files that the server's functions open: what they read, and what the last one
 * was that they wrote.
 */
extern const uint8_t *server_file;
extern size_t server_file_size;
extern uint8_t *server_written; /* malloc'd */
extern size_t server_written_size;

#endif /* RECO_FUZZ_SERVER_H */
