/*
 * image.h
 *	  Ids that are equal where their bytes are: hashed and compared by these, without calls.
 */
#ifndef RECO_STORE_IDS_IMAGE_H
#define RECO_STORE_IDS_IMAGE_H

#include "store/ids/ident.h"

/* The id in memory, not compressed: itself, or a palloc'd copy. */
static inline Datum
id_image(const IdType *type, Datum id)
{
	return type->typlen == -1 ? PointerGetDatum(PG_DETOAST_DATUM_PACKED(id)) : id;
}

/* Its bytes. */
static inline const char *
id_image_bytes(const IdType *type, Datum image, Size *n)
{
	const char *p = DatumGetPointer(image);

	if (type->typlen > 0)
	{
		*n = type->typlen;
		return p;
	}
	*n = VARSIZE_ANY_EXHDR(p);
	return VARDATA_ANY(p);
}

static inline bool
id_image_equal(const IdType *type, Datum a, Datum b)
{
	Size n;
	Size m;
	const char *x = id_image_bytes(type, a, &n);
	const char *y = id_image_bytes(type, b, &m);

	return n == m && memcmp(x, y, n) == 0;
}

/* Of eight bytes at a time, each mixed into all bits. */
static inline uint32
id_image_hash(const IdType *type, Datum image)
{
	const uint64 factor = UINT64CONST(0x9E3779B97F4A7C15);
	Size n;
	const char *p = id_image_bytes(type, image, &n);
	uint64 hash = n * factor;
	uint64 word;

	for (; n >= sizeof(word); n -= sizeof(word), p += sizeof(word))
	{
		memcpy(&word, p, sizeof(word));
		hash = (hash ^ word) * factor;
		hash ^= hash >> 32;
	}
	word = 0;
	memcpy(&word, p, n);
	hash = (hash ^ word) * factor;
	hash ^= hash >> 29;
	return (uint32) ((hash * factor) >> 32);
}

#endif /* RECO_STORE_IDS_IMAGE_H */
