/*
 * report.h
 *	  What a report of a model is made from, and its sections.
 */
#ifndef RECO_REPORT_REPORT_H
#define RECO_REPORT_REPORT_H

#include "report/html.h"
#include "serving/listing.h"
#include "utils/hsearch.h"

/* At most so many of each are looked at, however large the model is. */
#define REPORT_VERSIONS 60
#define REPORT_USERS 300      /* whose lists are made */
#define REPORT_PLACES 10      /* of each list */
#define REPORT_MAP_ITEMS 2000 /* points of the map */
#define REPORT_MAP_USERS 4000 /* whose histories place them, where the model has no factors */
#define REPORT_HISTORY 2000   /* items of a user */
#define REPORT_COLORS 7       /* of the map: groups beyond these are rings */
#define REPORT_GROUPS 14

/* What was measured of a version; NaN: it was not. */
typedef struct ReportWorth
{
	char *metric; /* NULL: nothing was */
	double value;
	double error;
	char *baseline; /* NULL: none */
	double baseline_value;
	char *split;
	double users;
} ReportWorth;

/* What was said of a group of hidden interactions, or of places in lists, and what was seen. */
typedef struct ReportBin
{
	double said; /* means; of scores: the share of the places where an item was found */
	double seen;
	double count;
} ReportBin;

typedef struct ReportCalibration
{
	bool of_values; /* else of scores */
	int bins;       /* 0: nothing was kept */
	ReportBin *bin;
} ReportCalibration;

/* A row of model_version; what may be NULL is, or 0. */
typedef struct ReportVersion
{
	int32 version;
	char *status;
	TimestampTz started_at;
	TimestampTz finished_at; /* DT_NOBEGIN: it is not */
	int64 rows_read;
	Jsonb *rows_skipped;
	int64 rows_merged;
	int32 users;
	int32 items;
	int64 interactions;
	char *algorithm; /* as it is called */
	Jsonb *options;
	Jsonb *metrics;
	Jsonb *calibration;
	float *loss;
	int losses;
	Jsonb *member_loss;
	int64 bytes;
	Jsonb *timings;
	char *message;
	Jsonb *choice;
	int32 cold_items;
	int32 cold_users;
	double epsilon; /* NaN: it hides nobody */
	ReportWorth worth;
} ReportVersion;

/* What the query of items says of one. */
typedef struct ReportLabel
{
	int32 item;     /* key */
	char *title;    /* NULL: none */
	int32 category; /* of Report.category; -1: none */
} ReportLabel;

/* A user with what they have and the list that they get. */
typedef struct ReportUser
{
	Datum id;
	int32 order; /* in that of the ids */
	int64 has;   /* interactions, of which */
	int32 n;     /* these are kept, rising */
	int32 *item;
	float *value;
	int32 places;
	int32 *listed;
	const char **source;
} ReportUser;

/* A point of the map. */
typedef struct ReportPoint
{
	int32 item;
	double x;
	double y;
	int group; /* -1: none of those that have a color */
} ReportPoint;

typedef struct ReportMap
{
	ReportPoint *point; /* by falling popularity */
	int32 points;
	double share[2]; /* of the variance */
	const char *made_of;
	bool by_category; /* groups are categories; else clusters */
	int groups;
	const char *group[REPORT_GROUPS]; /* names */
	int32 size[REPORT_GROUPS];
} ReportMap;

typedef struct Report
{
	StringInfo out;
	MemoryContext context; /* that all of it lives in */
	Request request;       /* row, serving (NULL: no version, or none to be seen) */
	bool may_items;
	bool may_users;
	ReportVersion *version; /* oldest first */
	int versions;
	const ReportVersion *active; /* NULL: none */
	HTAB *labels;
	const char *title_column; /* NULL: none */
	const char *category_column;
	char **category;
	int32 categories;
	ReportUser *user; /* by falling number of interactions */
	int32 users;
	ReportMap map;
} Report;

/*
 * read.c: the model, its versions, and of a whole report what else the caller may see; errors as
 * those of a SELECT.
 */
extern void report_open(Report *report, const char *name, bool whole);
extern ReportWorth report_worth(const Jsonb *metrics);
/* labels.c: asks the query of items for those of the map, the lists and the histories. */
extern void report_read_labels(Report *report);
extern const ReportLabel *report_label(const Report *report, int32 item);
/* An item by its title, or its id where it has none; palloc'd. */
extern const char *report_item_text(const Report *report, int32 item);
/* sample.c */
extern void report_read_users(Report *report);
/* The ids of some users of the active version, evenly by their order; *n of them. */
extern Datum *report_user_ids(const Report *report, int32 most, int32 *n);
/* What a score of an item for a user is made of: up to n items, the largest part first. */
extern int report_reasons(const Report *report, const ReportUser *user, int32 item, int n,
						  int32 *because, double *share);
/* map.c; after labels, groups */
extern void report_place_items(Report *report);
extern void report_group_items(Report *report);

/* Sections, in their order; each says so in a sentence where there is nothing to show. */
extern void report_head(Report *report);
extern void report_section_worth(Report *report);
/* section_calibration.c: what versions record, and a part of the section above */
extern ReportCalibration report_calibration(const Jsonb *record);
extern bool report_part_calibration(Report *report); /* false: there is nothing to show */
extern void report_section_training(Report *report);
extern void report_section_catalog(Report *report);
extern void report_section_map(Report *report);
extern void report_section_users(Report *report);
extern void report_section_filters(Report *report);
extern void report_section_versions(Report *report);

extern const char report_style[];

#endif /* RECO_REPORT_REPORT_H */
