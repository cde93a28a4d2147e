/*
 * model_rows.c
 *	  The source of a model as it is now.
 *
 * The queries of the definition run as its owner, as in a training, for whoever may call the
 * function that asks.  By the options of the active version, but for what is an error, which is the
 * definition's.
 *
 * Cost: reading the source.
 */
#include "marketing/windows.h"

#include "executor/spi.h"
#include "store/source/resolve.h"
#include "store/source/source.h"

RecoData *
reco_read_model(Request *request, RecoFeatureUse use, RecoBudget *budget, RecoDataOptions *options)
{
	Serving *serving = request->serving;
	ModelRow *row = &request->row;
	RecoDataOptions now;
	RecoQuery source;
	RecoQuery items;
	Jsonb *missing;
	RecoData *data;

	if (row->source == NULL || row->search_path == NULL)
		reco_damaged(serving->schema, "Its definition is not complete.");
	*options = serving->options;
	reco_data_options_parse(row->options, &now);
	options->on_invalid = now.on_invalid;
	missing = reco_resolve_missing(row);
	if (missing)
		reco_resolved_add(row, missing);
	source = reco_definition_query(row, &reco_the_source);
	items = reco_definition_query(row, &reco_the_items);
	if (use == RECO_FEATURES_NONE)
		items.text = NULL;
	SPI_connect();
	data = reco_read_source(&source, &items, use, NULL, RECO_KEEP_EVENTS, options, budget);
	SPI_finish();
	/* whoever they are, they are not kept */
	if (!id_type_takes(serving->user_type, data->user_type.type, data->user_type.typmod,
					   data->user_type.collation))
		id_type_require(serving->user_type, &data->user_type, "user", row->name);
	id_type_require(serving->item_type, &data->item_type, "item", row->name);
	return data;
}
