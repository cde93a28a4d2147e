/*
 * section_users.c
 *	  Some users with what they have, what they are shown, and why.
 */
#include "report/report.h"

#include <math.h>

#define SHOWN_ITEMS 9  /* of a history */
#define SHOWN_PLACES 5 /* of a list */
#define REASONS 2

/* Users with few, some and many items; of equal ones the first. */
static const double quantile[] = {0.85, 0.5, 0.12};

typedef struct Strong
{
	int32 item;
	float value;
	float popular;
} Strong;

/* What counts most, and of that what few others have, says most of a user. */
static int
strongest(const void *a, const void *b)
{
	const Strong *x = a;
	const Strong *y = b;

	if (x->value != y->value)
		return x->value < y->value ? 1 : -1;
	if (x->popular != y->popular)
		return x->popular > y->popular ? 1 : -1;
	return (x->item > y->item) - (x->item < y->item);
}

static void
put_item(Report *report, int32 item)
{
	html_put(report->out, "<bdi>");
	html_text(report->out, report_item_text(report, item), 70);
	html_put(report->out, "</bdi>");
}

static void
put_history(Report *report, const ReportUser *user)
{
	const float *interactions = report->request.serving->interactions;
	Strong *all = palloc((user->n + 1) * sizeof(Strong));

	for (int32 k = 0; k < user->n; k++)
		all[k] = (Strong){user->item[k], user->value[k], interactions[user->item[k]]};
	qsort(all, user->n, sizeof(Strong), strongest);
	html_put(report->out, "<h4>Has</h4>\n<ul class=\"has\">");
	for (int32 k = 0; k < user->n && k < SHOWN_ITEMS; k++)
	{
		html_put(report->out, "<li>");
		put_item(report, all[k].item);
		html_put(report->out, "</li> ");
	}
	if (user->has > SHOWN_ITEMS)
		html_put(report->out, "<li>%c more</li>", user->has - SHOWN_ITEMS);
	html_put(report->out, "</ul>\n");
	pfree(all);
}

static void
put_reasons(Report *report, const ReportUser *user, int place)
{
	int32 because[REASONS];
	double share[REASONS];
	int n = report_reasons(report, user, user->listed[place], REASONS, because, share);

	if (n == 0)
		return;
	html_put(report->out, "<span class=\"why\">because of ");
	for (int k = 0; k < n; k++)
	{
		html_put(report->out, "%m", k > 0 ? " and " : "");
		put_item(report, because[k]);
		html_put(report->out, " <b>%p</b>", share[k]);
	}
	html_put(report->out, "</span>");
}

static void
put_list(Report *report, const ReportUser *user)
{
	const char *own = reco_spec_source(report->request.serving->model.spec);

	html_put(report->out, "<h4>Is shown</h4>\n<ol class=\"gets\">\n");
	for (int k = 0; k < user->places && k < SHOWN_PLACES; k++)
	{
		bool by_model = strcmp(user->source[k], own) == 0;

		reco_poll();
		html_put(report->out, "<li>");
		put_item(report, user->listed[k]);
		if (!by_model)
			html_put(report->out, "<span class=\"tag\">%t</span>", user->source[k]);
		else
			put_reasons(report, user, k);
		html_put(report->out, "</li>\n");
	}
	html_put(report->out, "</ol>\n");
}

static void
put_user(Report *report, const ReportUser *user)
{
	const IdType *type = report->request.serving->user_type;

	html_put(report->out, "<article class=\"card\">\n<h3>User <bdi>");
	html_text(report->out, id_to_text((IdType *) type, user->id), 60);
	html_put(report->out, "</bdi></h3><p class=\"lead\">%c item%m</p>\n", user->has,
			 user->has == 1 ? "" : "s");
	put_history(report, user);
	put_list(report, user);
	html_put(report->out, "</article>\n");
}

void
report_section_users(Report *report)
{
	StringInfo out = report->out;
	int32 last = -1;

	if (report->request.serving == NULL)
		return;
	html_put(out, "<section aria-labelledby=\"users-h\">\n"
				  "<h2 id=\"users-h\">Some users, and what they are shown</h2>\n");
	if (!report->may_users)
		html_put(out, "<p class=\"none\">You have no right to read the users of this model.</p>\n");
	else if (report->users == 0)
		html_put(out, "<p class=\"none\">No user of this version has any item.</p>\n");
	else
	{
		html_put(out,
				 "<p class=\"lead\">One with many items, one in the middle, one with few: of %d "
				 "users who were taken evenly from all. Reasons are the two items that add most to "
				 "a score, with their share of it.</p>\n<div class=\"cards\">\n",
				 report->users);
		/* the users are by falling numbers of items */
		for (int k = 0; k < lengthof(quantile); k++)
		{
			int32 at = (int32) ((1 - quantile[k]) * (report->users - 1) + 0.5);

			if (at > last)
				put_user(report, &report->user[at]);
			last = Max(last, at);
		}
		html_put(out, "</div>\n");
	}
	html_put(out, "</section>\n");
}
