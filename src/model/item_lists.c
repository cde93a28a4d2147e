/*
 * item_lists.c
 *	  What the models share whose weights are between items.
 *
 * Cost: a few passes over the entries of the lists, whenever a version is prepared.
 */
#include "model/item_lists.h"

static bool
index_valid(const void *bytes, Size size, const RecoModel *model, const RecoMember *member)
{
	return reco_tiers_valid(bytes, size, model->items);
}

void
item_list_parts(RecoPartType *type)
{
	static const RecoPartType own[ITEM_LIST_PARTS] = {
		[ITEM_LISTS] = {.name = "neighbors",
						.side = RECO_OF_ITEMS,
						.shape = RECO_LIST,
						.of = RECO_OF_ITEMS,
						.element = RECO_FLOAT8,
						.kept = RECO_STORED_ONLY,
						.role = RECO_ROLE_NEIGHBORS},
		[ITEM_FOLLOWERS] = {.name = "followers",
							.side = RECO_OF_ITEMS,
							.shape = RECO_LIST,
							.of = RECO_OF_ITEMS,
							.element = RECO_FLOAT4,
							.kept = RECO_DERIVED},
		[ITEM_SIMILAR] = {.name = "similar",
						  .side = RECO_OF_ITEMS,
						  .shape = RECO_LIST,
						  .of = RECO_OF_ITEMS,
						  .element = RECO_FLOAT8,
						  .kept = RECO_DERIVED},
		[ITEM_INDEX] = {.name = "index",
						.side = RECO_OF_ITEMS,
						.shape = RECO_BYTES,
						.kept = RECO_DERIVED_MAYBE,
						.valid = index_valid},
	};

	memcpy(type, own, sizeof(own));
}

void
item_lists_followers(RecoModel *model, RecoMember *member, bool given, RecoBudget *budget)
{
	reco_neighbors lists = reco_part_lists(&member->part[ITEM_LISTS]);
	Size entries = lists.start[lists.rows];
	float *value = reco_budget_alloc(budget, (entries + 1) * sizeof(float));
	reco_csr as_lists = {model->items, model->items, lists.start, lists.row, value};
	reco_csr followers;

	for (Size e = 0; e < entries; e++)
	{
		value[e] = (float) lists.similarity[e];
		RECO_POLL_AT(e);
	}
	reco_budget_check(budget, reco_csr_transpose(&budget->env, &as_lists, value, &followers),
					  "the model");
	/* as the lists are, with rows in order */
	if (given)
	{
		reco_csr speaking = followers;

		reco_budget_check(budget,
						  reco_csr_transpose(&budget->env, &speaking, speaking.value, &followers),
						  "the model");
		reco_csr_free(&budget->env, &speaking);
	}
	reco_budget_free(budget, value);
	member->part[ITEM_FOLLOWERS] = reco_csr_part(&followers);
}

/* Leaves out what speaks against an item, which is not like it, and the item itself. */
static void
keep_positive(reco_neighbors *lists)
{
	int64 to = 0;
	int64 e = 0;

	for (int32 row = 0; row < lists->rows; row++)
	{
		for (; e < lists->start[row + 1]; e++)
		{
			if (lists->similarity[e] > 0 && lists->row[e] != row)
			{
				lists->row[to] = lists->row[e];
				lists->similarity[to++] = lists->similarity[e];
			}
			RECO_POLL_AT(e);
		}
		lists->start[row + 1] = to;
		RECO_POLL_AT(row);
	}
}

void
item_lists_similar(RecoMember *member, bool own, RecoBudget *budget)
{
	reco_neighbors lists = reco_part_lists(&member->part[ITEM_LISTS]);
	reco_neighbors similar;

	keep_positive(&lists);
	if (own)
	{
		member->part[ITEM_SIMILAR] = member->part[ITEM_LISTS];
		return;
	}
	reco_budget_check(budget, reco_neighbors_reverse(&budget->env, &lists, &similar), "the model");
	reco_neighbors_free(&budget->env, &lists);
	member->part[ITEM_LISTS] = (RecoPart){0};
	member->part[ITEM_SIMILAR] = reco_lists_part(&similar);
}

void
item_lists_index(RecoModel *model, RecoMember *member, RecoBudget *budget)
{
	reco_csr followers = reco_part_csr(&member->part[ITEM_FOLLOWERS], model->items);
	reco_tiers *index;
	reco_status status = reco_tiers_build(&budget->env, &followers, &index);

	if (status == RECO_OK && index)
		member->part[ITEM_INDEX] = (RecoPart){.data = index, .size = index->bytes};
}

reco_scorer *
item_lists_scorer(const RecoModel *model, const RecoMember *member, reco_sum_scorer sums)
{
	reco_list_scorer *scorer = palloc0(sizeof(reco_list_scorer));

	scorer->sums = sums;
	scorer->followers = reco_part_csr(&member->part[ITEM_FOLLOWERS], model->items);
	scorer->similar = reco_part_lists(&member->part[ITEM_SIMILAR]);
	scorer->index = member->part[ITEM_INDEX].data;
	return &scorer->sums.head;
}
