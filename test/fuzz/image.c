/*
 * image.c
 *	  Fuzz target: a file of a version that is not as it was written.
 *
 * Input: a byte of flags (ids as text, the image of users, that of a model with
 * features, or of users of whom one was forgotten, whether the head's checksum is made right again,
 * whether the algorithm must have features, lists without weights, the index left out, or users
 * with what they have seen, and whether another algorithm reads), then
 *changes of six bytes each: how (set a byte, flip it, cut the file, fill 64 bytes, an eight-byte
 *word of the head), four bytes of place, and the value.  The image that reco_image_write makes is
 *changed so and mapped; when it is taken all the same, everything is read that serving reads, and
 *what says where to look must be what was written.
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
#include "core/ranking/pruned.h"
#include "utils/fmgrprotos.h"

#define ITEMS 150
#define USERS 40
#define FACTORS 6
#define STRIDE 16
#define TERMS 30
#define NUMBERS 16

/* The parts of the model that is written and read. */
enum
{
	ITEM_FACTORS,
	ITEM_BIAS,
	GRAM,
	INDEX,
	FOLLOWERS,
	SIMILAR,
	USER_FACTORS,
	USER_BIAS,
	USERS_OF_ITEMS,
	NUMBERS_OF_USERS,
	STORED_ONLY,
	PARTS
};

static bool
index_valid(const void *bytes, Size size, const RecoModel *model, const RecoMember *member)
{
	return reco_pruned_valid(bytes, size, model->items, member->type[ITEM_FACTORS].width);
}

static bool
numbers_valid(const void *bytes, Size size, const RecoModel *model, const RecoMember *member)
{
	return size == reco_row_index_numbers(model->users, model->items) * sizeof(double);
}

static RecoPartType types[PARTS] = {
	[ITEM_FACTORS] = {.name = "factors", .side = RECO_OF_ITEMS, .width = FACTORS, .padded = true},
	[ITEM_BIAS] = {.name = "bias", .side = RECO_OF_ITEMS, .width = 1},
	[GRAM] = {.name = "gram",
			  .side = RECO_OF_MODEL,
			  .rows = FACTORS,
			  .width = FACTORS,
			  .element = RECO_FLOAT8,
			  .kept = RECO_DERIVED},
	[INDEX] = {.name = "index",
			   .side = RECO_OF_ITEMS,
			   .shape = RECO_BYTES,
			   .kept = RECO_DERIVED_MAYBE,
			   .valid = index_valid},
	[FOLLOWERS] = {.name = "followers",
				   .side = RECO_OF_ITEMS,
				   .shape = RECO_LIST,
				   .of = RECO_OF_ITEMS,
				   .kept = RECO_DERIVED},
	[SIMILAR] = {.name = "similar",
				 .side = RECO_OF_ITEMS,
				 .shape = RECO_LIST,
				 .of = RECO_OF_ITEMS,
				 .element = RECO_FLOAT8,
				 .kept = RECO_DERIVED},
	[USER_FACTORS] = {.name = "factors", .side = RECO_OF_USERS, .width = FACTORS, .padded = true},
	[USER_BIAS] = {.name = "bias", .side = RECO_OF_USERS, .width = 1},
	[USERS_OF_ITEMS] = {.name = "users",
						.side = RECO_OF_ITEMS,
						.shape = RECO_LIST,
						.of = RECO_OF_USERS,
						.kept = RECO_DERIVED,
						.of_all_users = true,
						.ones = true,
						.unchecked = true},
	[NUMBERS_OF_USERS] = {.name = "numbers",
						  .side = RECO_OF_MODEL,
						  .shape = RECO_BYTES,
						  .kept = RECO_DERIVED,
						  .of_all_users = true,
						  .valid = numbers_valid},
	[STORED_ONLY] = {.name = "neighbors",
					 .side = RECO_OF_USERS,
					 .shape = RECO_LIST,
					 .of = RECO_OF_USERS,
					 .kept = RECO_STORED_ONLY},
};

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

static int64 start[4][ITEMS + 2];
static int32 col[4][ITEMS * 4];
static float value[4][ITEMS * 4];
static double similarity[ITEMS * 4];

typedef struct Job
{
	Serving *serving;
	RecoImageKind kind;
	uint8_t flags;
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

/* Of the image of users: whether what they have seen is other than what is learnt from. */
static bool
has_seen(uint8_t flags)
{
	return (flags & 66) == 66;
}

/* And whether one of them was forgotten. */
static bool
is_forgotten(uint8_t flags)
{
	return (flags & 6) == 6;
}

static RecoKinds differing = {.differs = true};

/* What tells a version apart: the same for the one that is written and the one that is read. */
static Serving *
described(uint8_t flags)
{
	Serving *serving = palloc0(sizeof(Serving));

	serving->schema = 7;
	serving->version = 3;
	serving->nonce = 99;
	serving->hash = 1234567;
	spec.features = flags & 16 ? RECO_FEATURES_REQUIRED : RECO_FEATURES_NONE;
	serving->model.spec = &spec;
	serving->model.users = USERS;
	serving->model.items = ITEMS;
	serving->model.members = 1;
	serving->model.member = palloc0(sizeof(RecoMember));
	serving->model.member->spec = &spec;
	serving->model.member->parts = PARTS;
	serving->model.member->type = types;
	serving->model.member->part = palloc0(PARTS * sizeof(RecoPart));
	serving->users = USERS;
	serving->forgotten = is_forgotten(flags);
	serving->options.kinds = has_seen(flags) ? &differing : NULL;
	serving->item_type = serving->user_type = id_type(flags & 1);
	if (flags & 4)
	{
		serving->features = palloc0(sizeof(RecoFeatures));
		*serving->features = features;
		serving->features->terms = serving->model.terms = TERMS;
		serving->features->content.fields = 2;
		serving->features->content.field[0] = (reco_field){RECO_ATTRIBUTES, 0, TERMS, 1};
		serving->features->content.field[1] = (reco_field){RECO_EMBEDDING, 0, NUMBERS, 1};
		serving->features->content.stride = NUMBERS;
		serving->model.content = &serving->features->content;
	}
	return serving;
}

static void
fill_items(Serving *serving, uint8_t flags, RecoBudget *budget)
{
	RecoPart *part = serving->model.member->part;
	reco_csr followers = matrix_of(0, ITEMS, ITEMS);
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
	part[ITEM_FACTORS] = reco_vector_part(&types[ITEM_FACTORS], ITEMS, matrix);
	part[ITEM_BIAS] = reco_vector_part(&types[ITEM_BIAS], ITEMS, small);
	part[GRAM] = reco_vector_part(&types[GRAM], FACTORS, gram);
	if (!(flags & 64))
		part[INDEX] = (RecoPart){.data = index, .size = reco_pruned_size(ITEMS, FACTORS)};
	part[FOLLOWERS] = reco_csr_part(&followers);
	part[SIMILAR] = reco_lists_part(&(reco_neighbors){ITEMS, start[0], col[0], similarity});
	serving->interactions = serving->trend = small;
	serving->popular = popular;
	if (serving->features)
	{
		serving->features->content.dense = numbers;
		serving->features->content.by_item = matrix_of(1, ITEMS, TERMS);
		serving->features->content.by_term = matrix_of(2, TERMS, ITEMS);
	}
	serving->items = ids(serving->item_type, ITEMS);
}

static int32 number_of_known[USERS - 1];

static void
write_image(void *arg)
{
	Job *job = arg;
	RecoBudget budget;

	reco_budget_init(&budget, NULL);
	if (job->kind == RECO_IMAGE_ITEMS)
		fill_items(job->serving, job->flags, &budget);
	else
	{
		ServingUsers *users = reco_users_make(job->serving, NULL);
		RecoPart *part = users->part[0];
		reco_row_index index;

		users->ids = ids(job->serving->user_type, USERS - job->serving->forgotten);
		if (job->serving->forgotten)
			users->number = number_of_known;
		for (int u = 0; u < USERS - 1; u++)
			number_of_known[u] = u < 5 ? u : u + 1;
		if (has_seen(job->flags))
			users->seen = matrix_of(1, USERS, ITEMS);
		users->histories = matrix_of(0, USERS, ITEMS);
		REQUIRE(reco_row_index_build(&budget.env, &neighbors, &users->histories, &index) ==
				RECO_OK);
		part[USER_FACTORS] = reco_vector_part(&types[USER_FACTORS], USERS, matrix);
		part[USER_BIAS] = reco_vector_part(&types[USER_BIAS], USERS, small);
		part[USERS_OF_ITEMS] = reco_csr_part(&index.by_column);
		if (job->flags & 32)
			part[USERS_OF_ITEMS].data = NULL;
		part[NUMBERS_OF_USERS] = (RecoPart){
			.data = index.numbers, .size = reco_row_index_numbers(USERS, ITEMS) * sizeof(double)};
		(void) reco_image_write(job->serving, users, NULL);
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
			sum += a->value ? a->value[k] : 1;
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
	const RecoPart *part = serving->model.member->part;
	const float *item = part[ITEM_FACTORS].data;
	reco_csr lists;
	reco_neighbors similar;
	reco_row_index index;
	float p[STRIDE] __attribute__((aligned(64))) = {1, -2, 3, 0.5, -0.25, 1};
	reco_ranked top[20];
	int32 n;

	if (job->kind == RECO_IMAGE_USERS)
	{
		const ServingUsers *all = serving->all;

		REQUIRE(all->histories.start != NULL);
		read_ids(all->ids, serving->user_type, USERS - serving->forgotten);
		for (int u = 0; all->number && u < USERS - serving->forgotten; u++)
			REQUIRE(all->number[u] >= u && all->number[u] < USERS);
		REQUIRE(all->number || serving->forgotten == 0);
		sink = read_csr(&all->histories, 0);
		if (has_seen(job->flags))
			sink += read_csr(&all->seen, 1);
		for (int i = 0; i < USERS * STRIDE; i++)
			sink += ((const float *) part[USER_FACTORS].data)[i];
		for (int i = 0; i < USERS; i++)
			sink += *reco_part_floats(&part[USER_BIAS], i);
		index.by_column = reco_part_csr(&part[USERS_OF_ITEMS], USERS);
		index.numbers = part[NUMBERS_OF_USERS].data;
		REQUIRE(index.by_column.start != NULL && index.numbers != NULL);
		read_index(&all->histories, &index);
		REQUIRE(part[STORED_ONLY].start == NULL);
		return;
	}
	lists = reco_part_csr(&part[FOLLOWERS], ITEMS);
	similar = reco_part_lists(&part[SIMILAR]);
	REQUIRE(part[GRAM].data != NULL && lists.start != NULL && similar.start != NULL);
	REQUIRE(spec.features == RECO_FEATURES_NONE || serving->features->content.by_item.start);
	read_ids(serving->items, serving->item_type, ITEMS);
	for (int i = 0; i < ITEMS; i++)
		REQUIRE(serving->popular[i] == popular[i]);
	for (int i = 0; i < ITEMS; i++)
		sink += item[i * STRIDE + FACTORS - 1];
	for (int i = 0; i < ITEMS; i++)
		sink +=
			*reco_part_floats(&part[ITEM_BIAS], i) + serving->interactions[i] + serving->trend[i];
	for (int i = 0; i < FACTORS * FACTORS; i++)
		sink += ((const double *) part[GRAM].data)[i];
	if (part[INDEX].data)
	{
		n = reco_pruned_top(NULL, part[INDEX].data, item, STRIDE, p, part[ITEM_BIAS].data, 0, NULL,
							20, top);
		for (int32 i = 0; i < n; i++)
			REQUIRE(top[i].item >= 0 && top[i].item < ITEMS);
	}
	sink += read_csr(&lists, 0) + read_lists(&similar);
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
	Job job = {NULL, flags & 2 ? RECO_IMAGE_USERS : RECO_IMAGE_ITEMS, flags, false};
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
		REQUIRE(size > 6 || flags & 128 ||
				(job.kind == RECO_IMAGE_ITEMS && !(flags & 4) && flags & 16));
	}
	free(image);
	server_reset();
	return 0;
}
