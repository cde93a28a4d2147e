/*
 * html.h
 *	  Pages and pictures as text: the one place where anything is escaped.
 *
 * What is made is in ASCII, whatever the encoding of the database: other characters are
 * references by number.  It is HTML and well-formed XML at once.
 */
#ifndef RECO_REPORT_HTML_H
#define RECO_REPORT_HTML_H

#include "pg/pg.h"

#include "datatype/timestamp.h"
#include "lib/stringinfo.h"

/*
 * Appends a format, which is markup of our own, with what these stand for:
 *	 %t  char *	 a text of anybody's, escaped, at most HTML_TEXT characters; NULL: nothing
 *	 %m  char *	 markup that was made here: a literal, or what this function gave
 *	 %d  int
 *	 %c  int64   a count, in groups of three digits
 *	 %g  double  a figure of four significant digits
 *	 %p  double  a share in percent
 *	 %f  double  a coordinate, with one decimal at most; 0 where it is not finite
 *	 %%
 */
extern void html_put(StringInfo out, const char *format, ...);

#define HTML_TEXT 400

/*
 * A text, escaped, with at most so many characters; a longer one ends with an ellipsis.
 * Characters that XML has not, or a browser would take for others, become U+FFFD.
 */
extern void html_text(StringInfo out, const char *text, int most);
/*
 * How many characters of a text html_text may be told of, to be at most so wide in a sans-serif
 * font; *width: about how wide it is then.  In ems.
 */
extern int html_fit(const char *text, double ems, double *width);

/* A moment as "27 Nov 2026, 13:35 UTC", by the session's time zone, as a <time>. */
extern void html_time(StringInfo out, TimestampTz at);
/* The same without markup, palloc'd. */
extern char *html_time_text(TimestampTz at, bool with_clock);

/* Figures, palloc'd, in ASCII. */
extern char *html_count(int64 n);
extern char *html_figure(double value, int digits);
extern char *html_percent(double share);
extern char *html_bytes(double bytes);
extern char *html_seconds(double seconds);

/*
 * The beginning and the end of a table, to be opened under a summary (NULL: it is open);
 * columns: "Version", "-Rows" for numbers.
 */
extern void html_table_begin(StringInfo out, const char *summary, const char *caption,
							 const char *const *columns, int n);
extern void html_table_end(StringInfo out, bool in_details);

#endif /* RECO_REPORT_HTML_H */
