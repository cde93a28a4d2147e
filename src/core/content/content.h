/*
 * content.h
 *	  Items by what is known about them: keywords, attributes, embeddings, numbers.
 *
 * An item has fields, each of one kind.  A user is a profile built from the items
 * of their interactions, with x the value of an interaction (only those above 0
 * say anything):
 *
 *	 keywords	v_i: tf-idf weights, of norm 1;  p = sum x_j v_j
 *				cosine p.v_i / |p|
 *	 attributes	A_i: a set;  t_a = the share of the x_j whose item has a
 *				weighted Jaccard: sum over A_i of t_a
 *				/ (|A_i| + sum over all of t_a - sum over A_i of t_a)
 *				which is Jaccard's coefficient when every t_a is 0 or 1
 *	 embedding	e_i, of norm 1;  p = sum x_j e_j;  cosine p.e_i / |p|
 *	 number		z_i: standardized;  m = mean of the z_j weighted by x_j
 *				1 / (1 + |z_i - m|)
 *
 * A score is the mean of the fields' similarities by the fields' weights; a field
 * that an item or the profile lacks counts 0.
 */
#ifndef RECO_CORE_CONTENT_CONTENT_H
#define RECO_CORE_CONTENT_CONTENT_H

#include "core/data/csr.h"

#define RECO_MAX_FIELDS 100
/* Numbers of an item, of all fields together; a row of them fits on a page. */
#define RECO_MAX_DENSE 1900

typedef enum reco_field_kind
{
	RECO_KEYWORDS,
	RECO_ATTRIBUTES, /* and a category, which is a set of one */
	RECO_EMBEDDING,
	RECO_NUMBER
} reco_field_kind;

/* Terms term_from .. term_to - 1, or columns from .. to - 1 of the dense part. */
typedef struct reco_field
{
	reco_field_kind kind;
	int32_t from;
	int32_t to;
	double weight;
} reco_field;

typedef struct reco_content
{
	int32_t items;
	int fields;
	reco_field field[RECO_MAX_FIELDS];
	/* items x terms: keyword weights; 1 for attributes */
	reco_csr by_item;
	reco_csr by_term;
	/* items x stride; an embedding of zeros and a number of NaN are missing */
	int stride;
	float *dense;
} reco_content;

/* What is scored: n interactions, items in rising order; value NULL: ones. */
typedef struct reco_content_user
{
	int64_t n;
	const int32_t *item;
	const float *value;
} reco_content_user;

/* A profile, its sparse part in order of term. */
typedef struct reco_content_profile
{
	int32_t terms;
	int32_t *term;
	double *weight;                 /* p_t, or t_a */
	double size[RECO_MAX_FIELDS];   /* |p|, or the sum of t_a */
	double amount[RECO_MAX_FIELDS]; /* sum of the x_j whose items have the field */
	double *dense;                  /* stride: p, or m */
	/* while it is made: sums by term, and which terms there are; zeros afterwards */
	double *sum;
	uint64_t *mark;
} reco_content_profile;

/*
 * Turns counts into weights of norm 1: by_item holds each keyword's count, which
 * becomes count (ln((1 + items) / (1 + items with it)) + 1).  idf, terms long,
 * receives the second factor (1 for attributes).  Embeddings are scaled to norm 1,
 * numbers to mean 0 and deviation 1 (mean and deviation are returned by field).
 * Fills by_term.
 */
extern reco_status reco_content_prepare(const reco_env *env, reco_content *content, float *idf,
										double *mean, double *deviation);

/* Only what serving needs beside what is stored: by_term. */
extern reco_status reco_content_index(const reco_env *env, reco_content *content);

/*
 * Makes a profile in memory of that many bytes, zeros, which are zeros again once it is cleared.
 * On RECO_STOPPED, the only error, it is cleared.
 * Cost: the terms and columns of the user's items, and a bit of every other term.
 */
extern size_t reco_content_profile_bytes(const reco_content *content);
extern reco_status reco_content_profile_fill(const reco_env *env, const reco_content *content,
											 const reco_content_user *user, void *memory,
											 reco_content_profile *profile);
extern void reco_content_profile_clear(const reco_content *content, reco_content_profile *profile);

/* The same with memory of its own; free with reco_content_profile_free. */
extern reco_status reco_content_profile_make(const reco_env *env, const reco_content *content,
											 const reco_content_user *user,
											 reco_content_profile *profile);
extern void reco_content_profile_free(const reco_env *env, reco_content_profile *profile);

/* Dense columns that the fields take: stride without its padding. */
extern int reco_content_numbers(const reco_content *content);

/* Whether the profile says anything. */
extern bool reco_content_is_personal(const reco_content *content,
									 const reco_content_profile *profile);

/*
 * The scores of all items, or of one with the same bits; -infinity where nothing
 * is in common.  scratch: 2 items doubles.
 * Cost: the lengths of the profile's terms' lists, and items x dense columns.
 */
extern reco_status reco_content_score(const reco_env *env, const reco_content *content,
									  const reco_content_profile *profile, double *scratch,
									  float *score);
extern reco_status reco_content_score_one(const reco_env *env, const reco_content *content,
										  const reco_content_profile *profile, int32_t item,
										  double *score);

/*
 * The score of item b for whoever has item a alone: the bits of reco_content_score_one, without
 * a profile.
 */
extern double reco_content_alike(const reco_content *content, int32_t a, int32_t b);

/* A profile's terms of a sparse field: *from .. the returned end - 1. */
extern int32_t reco_content_terms(const reco_content_profile *profile, const reco_field *field,
								  int32_t *from);

/*
 * The part of each interaction in the score of an item; they add up to it.
 */
extern reco_status reco_content_explain(const reco_env *env, const reco_content *content,
										const reco_content_user *user,
										const reco_content_profile *profile, int32_t item,
										double *contribution);

#endif /* RECO_CORE_CONTENT_CONTENT_H */
