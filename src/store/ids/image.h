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
	const void *p = DatumGetPointer(id);

	if (type->typlen != -1 || !(VARATT_IS_COMPRESSED(p) || VARATT_IS_EXTERNAL(p)))
		return id;
	return PointerGetDatum(PG_DETOAST_DATUM_PACKED(id));
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

static inline uint64
id_image_word(const char *p)
{
	uint64 word;

	memcpy(&word, p, sizeof(word));
	return word;
}

/* Up to eight bytes, of the same number of bytes the same word for these alone. */
static inline uint64
id_image_few(const char *p, Size n)
{
	uint32 first;
	uint32 last;

	if (n == sizeof(uint64))
		return id_image_word(p);
	if (n >= sizeof(uint32))
	{
		memcpy(&first, p, sizeof(first));
		memcpy(&last, p + n - sizeof(last), sizeof(last));
		return (uint64) last << 32 | first;
	}
	if (n == 0)
		return 0;
	return (uint8) p[0] | (uint64) (uint8) p[n / 2] << 8 | (uint64) (uint8) p[n - 1] << 16;
}

/* Most ids are so short that no function need compare them. */
static inline bool
id_image_equal(const IdType *type, Datum a, Datum b)
{
	const Size word = sizeof(uint64);
	Size n;
	Size m;
	const char *x = id_image_bytes(type, a, &n);
	const char *y = id_image_bytes(type, b, &m);

	if (n != m)
		return false;
	if (n <= word)
		return id_image_few(x, n) == id_image_few(y, n);
	if (n > 4 * word)
		return memcmp(x, y, n) == 0;
	for (; n > word; n -= word, x += word, y += word)
		if (id_image_word(x) != id_image_word(y))
			return false;
	/* the last ones, which the words before may have some of */
	return id_image_word(x + n - word) == id_image_word(y + n - word);
}

/* Of eight bytes at a time, the last ones too, each mixed into all bits. */
static inline uint32
id_image_hash(const IdType *type, Datum image)
{
	const uint64 factor = UINT64CONST(0x9E3779B97F4A7C15);
	const Size word = sizeof(uint64);
	Size n;
	const char *p = id_image_bytes(type, image, &n);
	const char *end = p + n;
	uint64 hash = n * factor;

	for (; (Size) (end - p) > word; p += word)
	{
		hash = (hash ^ id_image_word(p)) * factor;
		hash ^= hash >> 32;
	}
	hash = (hash ^ (n > word ? id_image_word(end - word) : id_image_few(p, n))) * factor;
	hash ^= hash >> 29;
	return (uint32) ((hash * factor) >> 32);
}

#endif /* RECO_STORE_IDS_IMAGE_H */
