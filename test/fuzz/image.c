/*
 * image.c
 *	  Fuzz target: a file of a version that is not as it was written.
 *
 * Input: a byte of flags (ids as text, the image of users, that of a model with
 * features, whether the head's checksum is made right again, what the algorithm needs, and
 * whether another algorithm reads), then changes of six bytes each: how (set a byte, flip it, cut
 *the file, fill 64 bytes, an eight-byte word of the head), four bytes of place, and the value.  The
 *image that reco_image_write makes is changed so and mapped; when it is taken all the same,
 *everything is read that serving reads, and what says where to look must be what was written.
 */
#include "server/server.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* A copy of the file that a sanitizer knows the end of. */
static void *
map_copy(int file, size_t bytes)
{
	void *copy = aligned_alloc(64, TYPEALIGN(64, bytes));

	REQUIRE(copy != NULL && pread(file, copy, bytes, 0) == (ssize_t) bytes);
	return realloc(copy, bytes);
}

#define mmap(address, bytes, protection, flags, file, offset) map_copy(file, bytes)
#define munmap(memory, bytes) (free(memory), 0)

#include "../../src/store/image/image.c" /* for its head */

#include "catalog/pg_type.h"
#include "utils/fmgrprotos.h"

#define ITEMS 150
#define USERS 40
#define FACTORS 6
#define STRIDE 16
#define TERMS 30
#define NUMBERS 16

static RecoAlgorithm algorithm;
static RecoSpec spec = {.algorithm = &algorithm};

static const reco_neighbors_params neighbors = {
	.measure = RECO_COSINE, .neighbors = 7, .min_support = 1};

static float matrix[ITEMS * STRIDE] __attribute__((aligned(64)));
static float small[ITEMS];
static int32 popular[ITEMS];
static double gram[FACTORS * FACTORS];
static float numbers[ITEMS * NUMBERS];
static RecoFeatures features;

static int64 start[3][ITEMS + 2];
static int32 col[3][ITEMS * 4];
static float value[3][ITEMS * 4];
static double similarity[ITEMS * 4];

typedef struct Job
{
	Serving *serving;
	RecoImageKind kind;
	bool result;
} Job;

static reco_csr
matrix_of(int which, int32 rows, int32 cols)
{
	int64 at = 0;

	for (int32 r = 0; r < rows; r++)
	{
		start[which][r] = at;
		for (int k = 0; k < r % 4; k++)
		{
			col[which][at] = (r % 5 + k * 6) % cols;
			value[which][at++] = (float) (k + 1);
		}
	}
	start[which][rows] = at;
	return (reco_csr){rows, cols, start[which], col[which], value[which]};
}

static IdType *
id_type(bool text)
{
	IdType *type = palloc0(sizeof(IdType));

	type->type = type->base = text ? TEXTOID : INT4OID;
	type->typmod = -1;
	type->integer = type->typbyval = !text;
	type->typlen = text ? -1 : 4;
	type->typalign = TYPALIGN_INT;
	type->hash.fn_addr = hashtextextended;
	type->equal.fn_addr = texteq;
	type->compare.fn_addr = bttextcmp;
	return type;
}

static Datum
id_of(const IdType *type, int32 number)
{
	char text[16];

	if (type->integer)
		return Int32GetDatum(number * 7 - 20);
	snprintf(text, sizeof(text), "%d of them", number);
	return PointerGetDatum(server_varlena(text, strlen(text), false));
}

static IdDict *
ids(const IdType *type, int32 n)
{
	IdDict *dict = id_dict_create(NULL, type);

	for (int32 i = 0; i < n; i++)
		(void) id_dict_add(dict, id_of(type, i));
	return dict;
}

/* What tells a version apart: the same for the one that is written and the one that is read. */
static Serving *
described(uint8_t flags)
{
	Serving *serving = palloc0(sizeof(Serving));

	serving->schema = 7;
	serving->version = 3;
	serving->nonce = 99;
	serving->hash = 1234567;
	algorithm.needs = (flags >> 4 & 7) | RECO_NEEDS_USERS;
	spec.features =
		algorithm.needs & RECO_NEEDS_CONTENT ? RECO_FEATURES_REQUIRED : RECO_FEATURES_NONE;
	serving->model.spec = &spec;
	serving->model.items = ITEMS;
	serving->model.factors = FACTORS;
	serving->model.stride = STRIDE;
	serving->users = USERS;
	serving->item_type = serving->user_type = id_type(flags & 1);
	if (flags & 4)
	{
		serving->features = palloc0(sizeof(RecoFeatures));
		*serving->features = features;
		serving->features->terms = TERMS;
		serving->features->content.fields = 2;
		serving->features->content.field[0] = (reco_field){RECO_ATTRIBUTES, 0, TERMS, 1};
		serving->features->content.field[1] = (reco_field){RECO_EMBEDDING, 0, NUMBERS, 1};
		serving->features->content.stride = NUMBERS;
		serving->model.content = &serving->features->content;
	}
	return serving;
}

static void
fill_items(Serving *serving, RecoBudget *budget)
{
	void *index = reco_budget_alloc(budget, reco_pruned_size(ITEMS, FACTORS));

	for (int i = 0; i < ITEMS; i++)
	{
		popular[i] = (i * 37) % ITEMS;
		small[i] = (float) (i % 11) / 8;
		for (int k = 0; k < FACTORS; k++)
			matrix[i * STRIDE + k] = (float) ((i * 7 + k * 13) % 29 - 14) / (float) (1 + i % 5);
		numbers[i * NUMBERS + i % NUMBERS] = 1;
	}
	REQUIRE(reco_pruned_build(&budget->env, matrix, ITEMS, FACTORS, STRIDE, small, index) ==
			RECO_OK);
	serving->model.index = index;
	serving->model.item = matrix;
	serving->model.item_bias = serving->interactions = serving->trend = small;
	serving->popular = popular;
	serving->model.gram = gram;
	serving->model.followers = matrix_of(0, ITEMS, ITEMS);
	serving->model.similar = (reco_neighbors){ITEMS, start[0], col[0], similarity};
	if (serving->features)
	{
		serving->features->content.dense = numbers;
		serving->features->content.by_item = matrix_of(1, ITEMS, TERMS);
		serving->features->content.by_term = matrix_of(2, TERMS, ITEMS);
	}
	serving->items = ids(serving->item_type, ITEMS);
}

static void
write_image(void *arg)
{
	Job *job = arg;
	RecoBudget budget;

	reco_budget_init(&budget, NULL);
	if (job->kind == RECO_IMAGE_ITEMS)
		fill_items(job->serving, &budget);
	else
	{
		ServingUsers users = {ids(job->serving->user_type, USERS),
							  matrix,
							  small,
							  matrix_of(0, USERS, ITEMS),
							  {{0}, NULL}};

		REQUIRE(reco_row_index_build(&budget.env, &neighbors, &users.histories, &users.index) ==
				RECO_OK);
		(void) reco_image_write(job->serving, &users, NULL);
		return;
	}
	(void) reco_image_write(job->serving, NULL, NULL);
}

static void
map_image(void *arg)
{
	Job *job = arg;

	job->result = reco_image_map(job->serving, job->kind);
}

static double
read_csr(const reco_csr *a, int which)
{
	double sum = 0;

	if (a->start == NULL) /* a head made right again may say that there is none */
		return 0;
	for (int32 r = 0; r < a->rows; r++)
	{
		REQUIRE(a->start[r] == start[which][r] && a->start[r + 1] == start[which][r + 1]);
		for (int64 k = a->start[r]; k < a->start[r + 1]; k++)
		{
			REQUIRE(a->col[k] == col[which][k]);
			sum += a->value[k];
		}
	}
	return sum;
}

static double
read_lists(const reco_neighbors *lists)
{
	double sum = 0;

	for (int32 r = 0; lists->start && r < lists->rows; r++)
	{
		REQUIRE(lists->start[r] == start[0][r] && lists->start[r + 1] == start[0][r + 1]);
		for (int64 k = lists->start[r]; k < lists->start[r + 1]; k++)
		{
			REQUIRE(lists->row[k] == col[0][k]);
			sum += lists->similarity[k];
		}
	}
	return sum;
}

static void
read_ids(IdDict *dict, const IdType *type, int32 n)
{
	REQUIRE(id_dict_count(dict) == n);
	for (int32 i = 0; i < n; i++)
	{
		REQUIRE(id_dict_find(dict, id_of(type, i)) == i);
		(void) id_dict_id(dict, i);
	}
	REQUIRE(id_dict_find(dict, id_of(type, n + 5)) < 0);
}

static volatile double sink;

/* The index may say anything of users but who is none. */
static void
read_index(const reco_csr *histories, const reco_row_index *index)
{
	RecoBudget budget;

	reco_budget_init(&budget, NULL);
	for (int32 r = 0; r < USERS; r += 7)
	{
		int64 bounds[2] = {0, histories->start[r + 1] - histories->start[r]};
		reco_csr row = {1, ITEMS, bounds, histories->col + histories->start[r],
						histories->value + histories->start[r]};
		reco_neighbors found;

		REQUIRE(reco_row_index_find(&budget.env, &neighbors, index, &row, r, &found) == RECO_OK);
		for (int64 k = 0; k < found.start[1]; k++)
		{
			REQUIRE(found.row[k] >= 0 && found.row[k] < USERS && found.row[k] != r);
			sink += found.similarity[k];
		}
		reco_neighbors_free(&budget.env, &found);
	}
}

static void
serve(void *arg)
{
	Job *job = arg;
	Serving *serving = job->serving;
	const RecoModel *model = &serving->model;
	float p[STRIDE] __attribute__((aligned(64))) = {1, -2, 3, 0.5, -0.25, 1};
	reco_ranked top[20];
	int32 n;

	if (job->kind == RECO_IMAGE_USERS)
	{
		const ServingUsers *all = serving->all;

		REQUIRE(all->histories.start != NULL);
		read_ids(all->ids, serving->user_type, USERS);
		sink = read_csr(&all->histories, 0);
		for (int i = 0; i < USERS * STRIDE; i++)
			sink += all->factors[i];
		for (int i = 0; i < USERS; i++)
			sink += all->bias[i];
		read_index(&all->histories, &all->index);
		return;
	}
	REQUIRE(!(algorithm.needs & RECO_NEEDS_GRAM) || model->gram != NULL);
	REQUIRE(!(algorithm.needs & RECO_NEEDS_LISTS) ||
			(model->followers.start != NULL && model->similar.start != NULL));
	REQUIRE(!(algorithm.needs & RECO_NEEDS_CONTENT) || serving->features->content.by_item.start);
	read_ids(serving->items, serving->item_type, ITEMS);
	for (int i = 0; i < ITEMS; i++)
		REQUIRE(serving->popular[i] == popular[i]);
	for (int i = 0; i < ITEMS; i++)
		sink += model->item[i * STRIDE + FACTORS - 1];
	for (int i = 0; i < ITEMS; i++)
		sink += model->item_bias[i] + serving->interactions[i] + serving->trend[i];
	for (int i = 0; model->gram && i < FACTORS * FACTORS; i++)
		sink += model->gram[i];
	if (model->index)
	{
		n = reco_pruned_top(NULL, model->index, model->item, STRIDE, p, model->item_bias, 0, NULL,
							20, top);
		for (int32 i = 0; i < n; i++)
			REQUIRE(top[i].item >= 0 && top[i].item < ITEMS);
	}
	sink += read_csr(&model->followers, 0) + read_lists(&model->similar);
	if (serving->features)
	{
		sink += read_csr(&serving->features->content.by_item, 1);
		sink += read_csr(&serving->features->content.by_term, 2);
		for (int i = 0; i < ITEMS * NUMBERS; i++)
			sink += serving->features->content.dense[i];
	}
}

static uint32
four_bytes(const uint8_t *from)
{
	uint32 number;

	memcpy(&number, from, sizeof(number));
	return number;
}

/* The changed copy; what it holds beyond *bytes is not the file's. */
static void
change(uint8_t *image, size_t *bytes, const uint8_t *data, size_t size)
{
	for (; size >= 6 && *bytes > 0; data += 6, size -= 6)
	{
		size_t at = four_bytes(data + 1) % *bytes;

		switch (data[0] % 5)
		{
			case 0:
				image[at] = data[5];
				break;
			case 1:
				image[at] ^= (uint8_t) (1 << data[5] % 8);
				break;
			case 2:
				*bytes = at;
				break;
			case 3:
				memset(image + at, data[5], Min(64, *bytes - at));
				break;
			case 4: /* small numbers added to words of the head */
				if (*bytes >= sizeof(Head))
				{
					uint64 *word = (uint64 *) image + at % (sizeof(Head) / sizeof(uint64));

					*word += (uint64) (int64) (int8) data[5];
				}
				break;
		}
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t flags = size > 0 ? data[0] : 0;
	Job job = {NULL, flags & 2 ? RECO_IMAGE_USERS : RECO_IMAGE_ITEMS, false};
	uint8_t *image;
	size_t bytes;

	job.serving = described(flags);
	REQUIRE(server_try(write_image, &job));
	REQUIRE(server_written_size > sizeof(Head));
	image = aligned_alloc(64, TYPEALIGN(64, server_written_size));
	bytes = server_written_size;
	memcpy(image, server_written, bytes);
	if (size > 1)
		change(image, &bytes, data + 1, size - 1);
	if (flags & 8 && bytes >= sizeof(Head))
		((Head *) image)->crc = checksum((Head *) image);
	server_file = image;
	server_file_size = bytes;
	job.serving = described(flags);
	if (flags & 128)
		job.serving->hash++;
	if (server_try(map_image, &job) && job.result)
	{
		REQUIRE(!(flags & 128));
		(void) server_try(serve, &job);
		reco_image_unmap(&job.serving->image[job.kind]);
	}
	else
	{
		REQUIRE(job.serving->all == NULL);
		/* what was not changed is taken, where nothing is missing */
		REQUIRE(
			size > 6 || flags & 128 ||
			(job.kind == RECO_IMAGE_ITEMS && !(flags & 4) && algorithm.needs & RECO_NEEDS_CONTENT));
	}
	free(image);
	server_reset();
	return 0;
}
