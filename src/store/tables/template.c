/*
 * template.c
 *	  The SQL of a model, from the files under sql/model.
 *
 * Make embeds the files (sql/model/embed.awk).  Placeholders are filled in in one pass:
 * what is filled in is not looked at again, whatever braces an identifier has.
 */
#include "store/tables/template.h"

#include "executor/spi.h"

List *
reco_names_in(const char *literal)
{
	List *names = NIL;
	char *text = pstrdup(literal + 1);

	text[strlen(text) - 1] = '\0';
	for (char *name = strtok(text, ","); name; name = strtok(NULL, ","))
		names = lappend(names, name);
	return names;
}

char *
reco_fill(const char *block, const RecoPlaceholder *placeholders)
{
	StringInfoData sql;

	initStringInfo(&sql);
	while (*block)
	{
		const RecoPlaceholder *found = NULL;

		if (*block == '{')
			for (const RecoPlaceholder *p = placeholders; p->name && !found; p++)
				if (strncmp(block, p->name, strlen(p->name)) == 0)
					found = p;
		if (found)
		{
			appendStringInfoString(&sql, found->text);
			block += strlen(found->name);
		}
		else
			appendStringInfoChar(&sql, *block++);
	}
	return sql.data;
}

void
reco_run(const char *sql)
{
	int result = SPI_execute(sql, false, 0);

	if (result < 0)
		elog(ERROR, "could not run \"%s\": %s", sql, SPI_result_code_string(result));
}

void
reco_run_blocks(const char *const *blocks, const RecoPlaceholder *placeholders)
{
	for (; *blocks; blocks++)
	{
		char *sql = reco_fill(*blocks, placeholders);

		reco_run(sql);
		pfree(sql);
	}
}
