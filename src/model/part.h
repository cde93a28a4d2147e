/*
 * part.h
 *	  What a trained model consists of: parts, that each algorithm declares.
 *
 * A part is an array with a row for each user, item or term, or of the model as a whole.  A
 * model has one member, or several where its algorithm is made of others: member 0 is the
 * model itself.  Tables, images and checks are loops over the declarations and know no part
 * by name.
 *
 * Which parts there are, and how wide, follows from the algorithm and its options alone, so a
 * version need not record it.
 */
#ifndef RECO_MODEL_PART_H
#define RECO_MODEL_PART_H

#include "core/data/csr.h"
#include "core/data/ordered.h"
#include "core/neighbors/measure.h"
#include "core/scoring/scorer.h"
#include "pg/pg.h"

/*
 * The largest factor, bias, mean or similarity: d products of two factors, d up to 1024,
 * stay within float4.  What tables hold beyond it is not a model's.
 */
#define RECO_MAX_FACTOR 1e17f

typedef struct RecoSpec RecoSpec;
struct RecoModel;
struct RecoMember;

/* What rows are of, and what the numbers of a list point to. */
typedef enum RecoSide
{
	RECO_OF_USERS,
	RECO_OF_ITEMS,
	RECO_OF_TERMS,
	RECO_OF_MODEL, /* as many rows as the declaration says */
	RECO_SIDES
} RecoSide;

typedef enum RecoShape
{
	RECO_VECTOR, /* `width` numbers a row */
	RECO_LIST,   /* numbers of other rows, each with a weight */
	RECO_BYTES   /* one block that means the same wherever it lies; derived only */
} RecoShape;

/* The type of a vector's numbers, and of a list's weights. */
typedef enum RecoElement
{
	RECO_FLOAT4,
	RECO_FLOAT8,
	RECO_NOTHING /* a list without weights */
} RecoElement;

/* Where a part is kept. */
typedef enum RecoKept
{
	RECO_STORED,       /* in tables and in images */
	RECO_STORED_ONLY,  /* in tables: read row by row, or only to derive others from it */
	RECO_DERIVED,      /* made of others by `prepare`: in images */
	RECO_DERIVED_MAYBE /* likewise, where memory allows */
} RecoKept;

/* What a user's row is to scoring (reco_profile). */
typedef enum RecoRole
{
	RECO_NO_ROLE,
	RECO_ROLE_FACTORS,
	RECO_ROLE_BIAS,
	RECO_ROLE_NEIGHBORS,
	RECO_ROLE_EVENTS, /* a list of items in order of time, with their moments in float4 */
	RECO_ROLE_TIMES,  /* the same with the times of events in float8 (reco_event_time) */
	RECO_ROLE_CENTER, /* what the user's factors are drawn to */
	/* of what comes again (core/sessions/again.h): */
	RECO_ROLE_AGAIN,   /* an item's reco_again_item, */
	RECO_ROLE_INTERVAL /* and of the model the mean interval between baskets */
} RecoRole;

typedef struct RecoPartType
{
	const char *name; /* in views: factors, bias, neighbors */
	RecoSide side;
	RecoShape shape;
	RecoElement element;
	int width;   /* of a vector */
	bool padded; /* rows of a vector begin on cache lines, zeros after its numbers */
	RecoSide of; /* of a list */
	RecoKept kept;
	bool of_all_users; /* derived from all users, and in the image of these */
	bool ones;         /* of a list: weights may be missing, where all are 1 */
	bool unchecked;    /* of a list in an image: whoever reads its numbers checks them */
	bool repeats;      /* of a list: a number may be in it again and again */
	/* of a derived list: it has rows of its own, of which `size` of the part tells how many */
	bool counted;
	int rows; /* of RECO_OF_MODEL */
	RecoRole role;
	/* of bytes from a file: whether they are such as the model's */
	bool (*valid)(const void *bytes, Size size, const struct RecoModel *model,
				  const struct RecoMember *member);
} RecoPartType;

/* A part in memory; zeros: it is not there. */
typedef struct RecoPart
{
	int32 rows;
	int stride;    /* of a vector: from row to row */
	void *data;    /* a vector's numbers, a list's weights, bytes */
	int64 *start;  /* of a list: rows + 1 */
	int32 *number; /* of a list: start[rows] */
	Size size;     /* of bytes, or of the starts of rows that are counted */
} RecoPart;

/* A member of a model: its algorithm, and a part for each that this declares. */
typedef struct RecoMember
{
	const RecoSpec *spec;
	int parts;
	const RecoPartType *type;
	RecoPart *part;
	float *loss; /* of its training, one an iteration */
	int losses;
	/* once fitted: what is told of how many users each item has; NULL: how many it has */
	const float *told;
	int members; /* that it is made of: these of the model's, in the order of its options */
	struct RecoMember **member;
} RecoMember;

/* Whether tables have it; whether images have it. */
static inline bool
reco_part_stored(const RecoPartType *type)
{
	return type->kept == RECO_STORED || type->kept == RECO_STORED_ONLY;
}

static inline bool
reco_part_mapped(const RecoPartType *type)
{
	return type->kept != RECO_STORED_ONLY;
}

/* Whether it lies with the users, not with the items. */
static inline bool
reco_part_of_users(const RecoPartType *type)
{
	return type->side == RECO_OF_USERS || type->of_all_users;
}

/* Bytes of a vector's number, or of a list's weight. */
static inline Size
reco_element_size(RecoElement element)
{
	return element == RECO_FLOAT4 ? sizeof(float) : element == RECO_FLOAT8 ? sizeof(double) : 0;
}

static inline int
reco_part_stride(const RecoPartType *type)
{
	return type->padded ? TYPEALIGN(16, type->width) : type->width;
}

static inline const float *
reco_part_floats(const RecoPart *part, int32 row)
{
	return part->data ? (const float *) part->data + (Size) row * part->stride : NULL;
}

/* A part as the kernels have it: lists with weights in float8, or sparse rows in float4. */
extern reco_neighbors reco_part_lists(const RecoPart *part);
extern RecoPart reco_lists_part(const reco_neighbors *lists);
extern reco_csr reco_part_csr(const RecoPart *part, int32 cols);
extern RecoPart reco_csr_part(const reco_csr *a);
/* The same with rows that are counted, which a part from a file has to be asked for. */
extern RecoPart reco_counted_part(const reco_csr *a);
static inline int32
reco_counted_rows(const RecoPart *part)
{
	return part->size > 0 ? (int32) (part->size / sizeof(int64)) - 1 : 0;
}
extern RecoPart reco_vector_part(const RecoPartType *type, int32 rows, void *numbers);

/*
 * The place of a stored part among those of its side in the tables, with its declaration; -1 and
 * NULL: there is none.  name: of the model itself, or with the number of a member before it, as
 * in "2.factors".
 */
extern int reco_part_position(const RecoMember *member, int members, RecoSide side,
							  const char *name, const RecoPartType **type);

/* A mean and biases, where an algorithm has them: their declaration, in this order. */
enum
{
	RECO_MEAN,
	RECO_ITEM_BIAS,
	RECO_USER_BIAS,
	RECO_BIAS_PARTS
};

extern void reco_bias_parts(RecoPartType *type);

/* What users did in order, for an algorithm that reads it: its declaration, and the part. */
extern RecoPartType reco_events_part_type(void);
extern RecoPart reco_events_part(const reco_ordered *ordered, int32 users);
/* Their times beside: the declaration. */
extern RecoPartType reco_times_part_type(void);

/*
 * Whether all numbers of a part are such as loading accepts: finite and of at most
 * RECO_MAX_FACTOR.
 */
extern bool reco_part_fits(const RecoPartType *type, const RecoPart *part);

/*
 * What a member's row of a user is to scoring: nothing is copied, whatever else is in the
 * profile stays.  part: the member's parts, or those of one row.  On any thread.
 */
extern void reco_part_profile(const RecoMember *member, const RecoPart *part, int32 row,
							  reco_profile *profile);

/*
 * The other way: the one row of a part of users that a profile has in its role, zeros or nothing
 * where it has none.  A list's arrays are the profile's, all else is of the context.
 */
extern RecoPart reco_profile_part(const RecoPartType *type, const reco_profile *profile,
								  MemoryContext context);

/*
 * The same of the model's row, with profiles of all members, palloc'd; part: one row of each of
 * the model's members.
 */
extern void reco_row_profile(const RecoMember *model, RecoPart *const *part, reco_profile *profile);

#endif /* RECO_MODEL_PART_H */
