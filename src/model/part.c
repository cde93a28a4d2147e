/*
 * part.c
 *	  Parts of a trained model: as the kernels see them, and checks.
 */
#include "model/part.h"

#include <math.h>

reco_neighbors
reco_part_lists(const RecoPart *part)
{
	return (reco_neighbors){part->rows, part->start, part->number, part->data};
}

RecoPart
reco_lists_part(const reco_neighbors *lists)
{
	return (RecoPart){
		.rows = lists->rows,
		.start = lists->start,
		.number = lists->row,
		.data = lists->similarity,
	};
}

reco_csr
reco_part_csr(const RecoPart *part, int32 cols)
{
	return (reco_csr){part->rows, cols, part->start, part->number, part->data};
}

RecoPart
reco_csr_part(const reco_csr *a)
{
	return (RecoPart){.rows = a->rows, .start = a->start, .number = a->col, .data = a->value};
}

RecoPart
reco_counted_part(const reco_csr *a)
{
	RecoPart part = reco_csr_part(a);

	part.size = ((Size) a->rows + 1) * sizeof(int64);
	return part;
}

RecoPart
reco_vector_part(const RecoPartType *type, int32 rows, void *numbers)
{
	return (RecoPart){.rows = rows, .stride = reco_part_stride(type), .data = numbers};
}

void
reco_bias_parts(RecoPartType *type)
{
	RecoPartType bias = {.name = "bias", .width = 1, .role = RECO_ROLE_BIAS};

	type[RECO_MEAN] = (RecoPartType){
		.name = "mean", .side = RECO_OF_MODEL, .rows = 1, .width = 1, .element = RECO_FLOAT8};
	type[RECO_ITEM_BIAS] = type[RECO_USER_BIAS] = bias;
	type[RECO_ITEM_BIAS].side = RECO_OF_ITEMS;
	type[RECO_USER_BIAS].side = RECO_OF_USERS;
}

RecoPartType
reco_events_part_type(void)
{
	return (RecoPartType){.name = "events",
						  .side = RECO_OF_USERS,
						  .shape = RECO_LIST,
						  .of = RECO_OF_ITEMS,
						  .element = RECO_FLOAT4,
						  .repeats = true,
						  .role = RECO_ROLE_EVENTS};
}

RecoPart
reco_events_part(const reco_ordered *ordered, int32 users)
{
	return (RecoPart){
		.rows = users, .start = ordered->start, .number = ordered->item, .data = ordered->moment};
}

RecoPartType
reco_times_part_type(void)
{
	RecoPartType type = reco_events_part_type();

	type.name = "times";
	type.element = RECO_FLOAT8;
	type.role = RECO_ROLE_TIMES;
	return type;
}

int
reco_part_position(const RecoMember *member, int members, RecoSide side, const char *name,
				   const RecoPartType **type)
{
	size_t digits = strspn(name, "0123456789");
	long of = 0;
	int position = 0;

	if (digits > 0 && name[digits] == '.')
	{
		of = strtol(name, NULL, 10);
		name += digits + 1;
	}
	for (int m = 0; m < members; m++)
		for (int p = 0; p < member[m].parts; p++)
		{
			*type = &member[m].type[p];
			if ((*type)->side != side || !reco_part_stored(*type))
				continue;
			if (m == of && strcmp((*type)->name, name) == 0)
				return position;
			position++;
		}
	*type = NULL;
	return -1;
}

static bool
numbers_fit(RecoElement element, const void *numbers, Size n)
{
	const float *x = numbers;
	const double *y = numbers;

	for (Size i = 0; element != RECO_NOTHING && i < n; i++)
	{
		RECO_POLL_AT(i);
		if (!(element == RECO_FLOAT4 ? fabsf(x[i]) <= RECO_MAX_FACTOR
									 : fabs(y[i]) <= RECO_MAX_FACTOR))
			return false;
	}
	return true;
}

bool
reco_part_fits(const RecoPartType *type, const RecoPart *part)
{
	if (part->data == NULL || type->shape == RECO_BYTES)
		return true;
	if (type->shape == RECO_VECTOR)
		return numbers_fit(type->element, part->data, (Size) part->rows * part->stride);
	return numbers_fit(type->element, part->data, part->start[part->rows]);
}

void
reco_part_profile(const RecoMember *member, const RecoPart *part, int32 row, reco_profile *profile)
{
	for (int p = 0; p < member->parts; p++)
	{
		const RecoPart *of = &part[p];

		if (member->type[p].side != RECO_OF_USERS || (of->data == NULL && of->start == NULL))
			continue;
		switch (member->type[p].role)
		{
			case RECO_ROLE_FACTORS:
				profile->factors = reco_part_floats(of, row);
				break;
			case RECO_ROLE_BIAS:
				profile->bias = *reco_part_floats(of, row);
				break;
			case RECO_ROLE_NEIGHBORS:
				profile->neighbors = (int32) (of->start[row + 1] - of->start[row]);
				profile->neighbor = of->number + of->start[row];
				profile->similarity = (const double *) of->data + of->start[row];
				break;
			case RECO_ROLE_EVENTS:
				profile->events = of->start[row + 1] - of->start[row];
				profile->event = of->number + of->start[row];
				profile->moment = (const float *) of->data + of->start[row];
				break;
			case RECO_ROLE_TIMES:
				profile->time = (const double *) of->data + of->start[row];
				break;
			case RECO_ROLE_CENTER:
				profile->center = reco_part_floats(of, row);
				break;
			case RECO_NO_ROLE:
			case RECO_ROLE_AGAIN:
			case RECO_ROLE_INTERVAL:
				break;
		}
	}
}

RecoPart
reco_profile_part(const RecoPartType *type, const reco_profile *profile, MemoryContext context)
{
	RecoPart part = {1, .stride = reco_part_stride(type)};

	if (type->shape == RECO_LIST)
	{
		part.start = MemoryContextAllocZero(context, 2 * sizeof(int64));
		if (type->role == RECO_ROLE_NEIGHBORS)
		{
			part.start[1] = profile->neighbors;
			part.number = unconstify(int32 *, profile->neighbor);
			part.data = unconstify(double *, profile->similarity);
		}
		if (type->role == RECO_ROLE_EVENTS)
		{
			part.start[1] = profile->events;
			part.number = unconstify(int32 *, profile->event);
			part.data = unconstify(float *, profile->moment);
		}
		if (type->role == RECO_ROLE_TIMES && profile->time)
		{
			part.start[1] = profile->events;
			part.number = unconstify(int32 *, profile->event);
			part.data = unconstify(double *, profile->time);
		}
		return part;
	}
	part.data =
		MemoryContextAllocZero(context, Max(part.stride, 1) * reco_element_size(type->element));
	if (type->role == RECO_ROLE_FACTORS && profile->factors)
		memcpy(part.data, profile->factors, type->width * reco_element_size(type->element));
	if (type->role == RECO_ROLE_CENTER && profile->center)
		memcpy(part.data, profile->center, type->width * reco_element_size(type->element));
	if (type->role == RECO_ROLE_BIAS)
		memcpy(part.data, &profile->bias, sizeof(float));
	return part;
}

static void
member_profile(const RecoMember *model, const RecoMember *member, RecoPart *const *part,
			   reco_profile *profile)
{
	reco_profile *of;

	reco_part_profile(member, part[member - model], 0, profile);
	if (member->members == 0)
		return;
	of = palloc(member->members * sizeof(reco_profile));
	for (int m = 0; m < member->members; m++)
	{
		of[m] = (reco_profile){
			.n = profile->n,
			.item = profile->item,
			.value = profile->value,
			.user = profile->user,
		};
		member_profile(model, member->member[m], part, &of[m]);
	}
	profile->members = member->members;
	profile->member = of;
}

void
reco_row_profile(const RecoMember *model, RecoPart *const *part, reco_profile *profile)
{
	member_profile(model, model, part, profile);
}
