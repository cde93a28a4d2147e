/*
 * mimic_als.h
 *	  Alternating least squares written for obviousness, to compare with.
 *
 * Dense float8 throughout, one loop for each formula of als.h; cost
 * rows x columns x d^2.  For small inputs only.
 */
#ifndef RECO_TEST_MIMIC_ALS_H
#define RECO_TEST_MIMIC_ALS_H

#include "core/als/als.h"
#include "mimic_env.h"

typedef struct mimic_model
{
	int users;
	int items;
	int d;
	double mean;
	double *user;        /* users x (d + 1): factors, then the bias */
	double *item;        /* items x (d + 1) */
	const float *center; /* of users, as reco_als_fit takes them; NULL: 0 */
	int center_stride;
} mimic_model;

/* Allocates a model with the initial factors of reco_als_fit. */
extern void mimic_init(mimic_model *m, const reco_als_params *p, const reco_csr *by_user);
/* Gives the users centers, where those who have one begin. */
extern void mimic_take_centers(mimic_model *m, const reco_als_params *p, const reco_csr *by_user,
							   const float *center);
extern void mimic_free(mimic_model *m);

/* Copies a result of reco_als_fit over an initialized model. */
extern void mimic_copy(mimic_model *m, const reco_factors *f);

/* Solves all rows of r exactly: users (side 0, r by user) or items (side 1, r by item). */
extern void mimic_half_step(mimic_model *m, const reco_als_params *p, const reco_csr *r, int side);

/* The objective, over all cells. */
extern double mimic_loss(const mimic_model *m, const reco_als_params *p, const reco_csr *by_user);

/* Surroundings that count, fail and stop on request. */
typedef struct mimic_world
{
	int live;     /* blocks not released */
	size_t bytes; /* in them */
	size_t peak;
	int allocs;
	int fail_at; /* this allocation fails; 0: none */
	int polls;
	int stop_at; /* this poll says stop; 0: none */
	bool stop;   /* what stopping says */
} mimic_world;

/* Surroundings over *w, which is cleared. */
extern reco_env mimic_als_env(mimic_world *w, int threads);

/* Trains, with centers of users or NULL, and compares with the mimic. */
extern void mimic_compare_fit(const reco_als_params *p, const reco_csr *m, const reco_csr *t,
							  const float *center);

/* Centers for so many users, to be freed. */
typedef float *(*mimic_centers)(const reco_als_params *p, int users);

/*
 * The same of random shapes, by each solver; regularization: another one beside .1.  And the same
 * bits for any number of threads, however often they are left.  centers NULL: none.
 */
extern void mimic_compare_shapes(int rounds, double regularization, mimic_centers centers);
extern void mimic_compare_threads(int rows, int cols, double density, mimic_centers centers);

/* Makes something with what arg points to, and frees it. */
typedef reco_status (*mimic_fit)(const reco_env *env, void *arg);

/* Every allocation fails in turn and every poll stops it, on two threads; nothing is left. */
extern void mimic_fit_ends(mimic_fit fit, void *arg);
extern void mimic_free_factors(const reco_env *env, reco_factors *f);

/* Matrices: room for n entries; and a random one, values 0: ones, 1: .5 .. 5, 2: -2 .. 4. */
extern reco_csr mimic_csr(int rows, int cols, int64_t n, bool values);
extern void mimic_free_csr(reco_csr *m);
extern reco_csr mimic_transpose(const reco_csr *m);
extern reco_csr mimic_random_csr(int rows, int cols, double density, int values);

/* 24 random bits, the same in every run. */
extern uint32_t mimic_random(void);

#endif /* RECO_TEST_MIMIC_ALS_H */
