/*
 * sections.c
 *	  The arrays of a version that lie in its images.
 *
 * First those that every version has, then the parts that its algorithm declares (model/part.h).
 * Numbers of items, terms and places carry a checksum: they must be within their bounds.
 *
 * Cost: nothing that grows with the data.
 */
#include "store/image/sections.h"

RecoPart **
reco_users_parts(RecoModel *copy, MemoryContext context)
{
	MemoryContext old = MemoryContextSwitchTo(context);
	const RecoMember *member = copy->member;
	RecoPart **part = palloc((copy->members + 1) * sizeof(RecoPart *));

	copy->member = palloc((copy->members + 1) * sizeof(RecoMember));
	for (int m = 0; m < copy->members; m++)
	{
		copy->member[m] = member[m];
		copy->member[m].part = part[m] = palloc0((member[m].parts + 1) * sizeof(RecoPart));
	}
	MemoryContextSwitchTo(old);
	return part;
}

ServingUsers *
reco_users_make(const Serving *serving, MemoryContext context)
{
	ServingUsers *users = MemoryContextAllocZero(context, sizeof(ServingUsers));
	RecoModel model = serving->model;

	users->part = reco_users_parts(&model, context);
	return users;
}

void
reco_users_give(RecoModel *model, const ServingUsers *users)
{
	for (int m = 0; m < model->members; m++)
		for (int p = 0; p < model->member[m].parts; p++)
			if (reco_part_of_users(&model->member[m].type[p]))
				model->member[m].part[p] = users->part[m][p];
	model->by_user = users->histories;
}

static RecoSection *
add(RecoSections *out)
{
	RecoSection *section = &out->section[out->n++];

	if (out->n == RECO_MOST_SECTIONS)
		elog(ERROR, "a version has too many parts");
	memset(section, 0, sizeof(*section));
	return section;
}

/* So many bytes at an address that is kept in *place. */
static RecoSection *
add_array(RecoSections *out, void *place, Size bytes, bool checked)
{
	RecoSection *section = add(out);

	section->place = place;
	section->bytes = bytes;
	section->checked = checked;
	return section;
}

/* Lists: starts, numbers, and what goes with each. */
static void
add_lists(RecoSections *out, int32 rows, int64 **start, int32 **number, void *weight, Size size,
		  bool optional, bool checked)
{
	RecoSection *section;

	(void) add_array(out, start, ((Size) rows + 1) * sizeof(int64), true);
	section = add_array(out, number, sizeof(int32), checked);
	section->start = start;
	section->rows = rows;
	if (size == 0)
		return;
	section = add_array(out, weight, size, false);
	section->start = start;
	section->rows = rows;
	section->optional = optional;
}

/* Lists of which the file says how many there are. */
static void
add_counted(RecoSections *out, RecoPart *part, Size size, bool checked)
{
	RecoSection *section = add_array(out, &part->start, 0, true);

	section->size = &part->size;
	section = add_array(out, &part->number, sizeof(int32), checked);
	section->start = &part->start;
	section->starts = &part->size;
	if (size == 0)
		return;
	section = add_array(out, &part->data, size, false);
	section->start = &part->start;
	section->starts = &part->size;
}

static void
add_csr(RecoSections *out, reco_csr *a, int32 rows, int32 cols)
{
	a->rows = rows;
	a->cols = cols;
	add_lists(out, rows, &a->start, &a->col, &a->value, sizeof(float), false, true);
}

static void
add_ids(RecoSections *out)
{
	out->n = 0;
	out->ids = NULL;
	add_array(out, &out->ids, 0, true)->size = &out->ids_size;
}

static void
add_part(RecoSections *out, const RecoModel *model, const RecoPartType *type, RecoPart *part)
{
	Size size = reco_element_size(type->element);
	RecoSection *section;

	part->rows = reco_model_rows(model, type, type->side);
	switch (type->shape)
	{
		case RECO_VECTOR:
			part->stride = reco_part_stride(type);
			section = add_array(out, &part->data, (Size) part->rows * part->stride * size, false);
			section->optional = type->kept == RECO_DERIVED_MAYBE;
			break;
		case RECO_LIST:
			if (type->counted)
			{
				add_counted(out, part, size, !type->unchecked);
				break;
			}
			add_lists(out, part->rows, &part->start, &part->number, &part->data, size, type->ones,
					  !type->unchecked);
			break;
		case RECO_BYTES:
			section = add_array(out, &part->data, 0, false);
			section->size = &part->size;
			section->optional = type->kept == RECO_DERIVED_MAYBE;
			break;
	}
}

static bool
in_image(const RecoPartType *type, bool of_users)
{
	return reco_part_mapped(type) && reco_part_of_users(type) == of_users;
}

/* part: each member's, or NULL: as the model has them. */
static void
add_parts(RecoSections *out, const RecoModel *model, RecoPart **part)
{
	for (int m = 0; m < model->members; m++)
		for (int p = 0; p < model->member[m].parts; p++)
			if (in_image(&model->member[m].type[p], part != NULL))
				add_part(out, model, &model->member[m].type[p],
						 part ? &part[m][p] : &model->member[m].part[p]);
}

void
reco_sections_items(Serving *serving, RecoSections *out)
{
	RecoModel *model = &serving->model;
	Size items = model->items;

	add_ids(out);
	(void) add_array(out, &serving->interactions, items * sizeof(float), false);
	(void) add_array(out, &serving->trend, items * sizeof(float), false);
	(void) add_array(out, &serving->popular, items * sizeof(int32), true);
	if (serving->features)
	{
		reco_content *content = &serving->features->content;

		content->items = model->items;
		(void) add_array(out, &content->dense, items * content->stride * sizeof(float), false);
		add_csr(out, &content->by_item, model->items, model->terms);
		add_csr(out, &content->by_term, model->terms, model->items);
	}
	add_parts(out, model, NULL);
}

void
reco_sections_users(const Serving *serving, ServingUsers *users, RecoSections *out)
{
	add_ids(out);
	add_array(out, &users->number, ((Size) serving->users - serving->forgotten) * sizeof(int32),
			  true)
		->optional = true;
	add_csr(out, &users->histories, serving->users, serving->model.items);
	if (reco_data_keeps_seen(&serving->options))
	{
		users->seen.rows = serving->users;
		users->seen.cols = serving->model.items;
		add_lists(out, serving->users, &users->seen.start, &users->seen.col, NULL, 0, false, true);
	}
	add_parts(out, &serving->model, users->part);
}

Size
reco_section_bytes(const RecoSection *section)
{
	if (section->size)
		return *section->size;
	if (section->starts && *section->starts < sizeof(int64))
		return 0;
	if (section->starts)
		return section->bytes * (Size) (*section->start)[*section->starts / sizeof(int64) - 1];
	return section->bytes * (section->start ? (Size) (*section->start)[section->rows] : 1);
}

/* Whether blocks are such as the model's; part: as for add_parts. */
static bool
blocks_valid(const RecoModel *model, RecoPart **part)
{
	for (int m = 0; m < model->members; m++)
		for (int p = 0; p < model->member[m].parts; p++)
		{
			const RecoMember *member = &model->member[m];
			const RecoPartType *type = &member->type[p];
			const RecoPart *block = part ? &part[m][p] : &member->part[p];

			if (in_image(type, part != NULL) && type->shape == RECO_BYTES && block->data &&
				!type->valid(block->data, block->size, model, member))
				return false;
		}
	return true;
}

bool
reco_sections_take_items(Serving *serving, const RecoSections *sections)
{
	serving->items =
		id_dict_frozen(serving->context, serving->item_type, sections->ids, sections->ids_size);
	return serving->items != NULL && id_dict_count(serving->items) == serving->model.items &&
		   (serving->features || serving->model.spec->features != RECO_FEATURES_REQUIRED) &&
		   blocks_valid(&serving->model, NULL);
}

/* Whether so many numbers ascend within bounds; without them the places are the numbers. */
static bool
numbers_valid(const int32 *number, int32 n, int32 users)
{
	if (number == NULL)
		return n == users;
	for (int32 k = 0; k < n; k++)
	{
		RECO_POLL_AT(k);
		if (number[k] < (k > 0 ? number[k - 1] + 1 : 0) || number[k] >= users)
			return false;
	}
	return true;
}

bool
reco_sections_take_users(const Serving *serving, ServingUsers *users, const RecoSections *sections,
						 MemoryContext context)
{
	int32 known = serving->users - serving->forgotten;

	users->ids = id_dict_frozen(context, serving->user_type, sections->ids, sections->ids_size);
	return users->ids != NULL && id_dict_count(users->ids) == known &&
		   numbers_valid(users->number, known, serving->users) &&
		   blocks_valid(&serving->model, users->part);
}
