/*
 * html.c
 *	  Pages and pictures as text: the one place where anything is escaped.
 */
#include "report/html.h"

#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/timestamp.h"

#include <math.h>

#define REPLACEMENT 0xFFFD
#define ELLIPSIS 0x2026

/*
 * Whether a character may stand in XML, and is the same to a browser: neither control
 * characters, which HTML takes for those of Windows' code page, nor what Unicode says is none.
 */
static bool
is_character(uint32 c)
{
	if (c < 0x20)
		return c == '\t' || c == '\n' || c == '\r';
	if (c >= 0x7F && c < 0xA0)
		return false;
	if ((c >= 0xD800 && c < 0xE000) || (c >= 0xFDD0 && c < 0xFDF0) || (c & 0xFFFE) == 0xFFFE)
		return false;
	return c <= 0x10FFFF;
}

static void
put_character(StringInfo out, uint32 c)
{
	if (!is_character(c))
		c = REPLACEMENT;
	if (c == '\t' || c == '\n' || c == '\r')
		appendStringInfoChar(out, c == '\r' ? ' ' : (char) c);
	else if (c >= 0x7F || c == '&' || c == '<' || c == '>' || c == '"' || c == '\'')
		appendStringInfo(out, "&#%u;", c);
	else
		appendStringInfoChar(out, (char) c);
}

/* The bytes of a text in UTF-8, which may be damaged where the database checks none. */
static const unsigned char *
in_utf8(const char *text, size_t most, size_t *length)
{
	size_t bytes = strlen(text);
	char *converted;

	/* so long a text is cut anyway; what is cut in two is the last character, beyond the end */
	if (bytes > most)
		bytes = GetDatabaseEncoding() == PG_SQL_ASCII
					? most
					: (size_t) pg_mbcliplen(text, (int) Min(bytes, PG_INT32_MAX), (int) most);
	converted = pnstrdup(text, bytes);
	if (GetDatabaseEncoding() != PG_SQL_ASCII)
		converted = pg_server_to_any(converted, (int) bytes, PG_UTF8);
	*length = strlen(converted);
	return (const unsigned char *) converted;
}

/* The next character, and past it; what is no UTF-8 is none, a byte at a time. */
static uint32
next_character(const unsigned char **at, const unsigned char *end)
{
	int length = pg_utf_mblen(*at);
	uint32 c = REPLACEMENT;

	if (length <= end - *at && pg_utf8_islegal(*at, length))
		c = utf8_to_unicode(*at);
	else
		length = 1;
	*at += length;
	return c;
}

void
html_text(StringInfo out, const char *text, int most)
{
	size_t length;
	const unsigned char *at = in_utf8(text, (size_t) most * 8 + 8, &length);
	const unsigned char *end = at + length;

	for (int n = 1; at < end; n++)
	{
		uint32 c = next_character(&at, end);

		RECO_POLL_EACH(n, 65536);
		if (n == most && at < end)
		{
			put_character(out, ELLIPSIS);
			return;
		}
		put_character(out, c);
	}
}

/* About how wide a character of a sans-serif font is, in ems. */
static double
width_of(uint32 c)
{
	if (c < 0x80 && strchr("ijlIt.,:;|!'()[] ", (int) c))
		return 0.36;
	if (c < 0x80 && strchr("WMmw@%", (int) c))
		return 1;
	/* combining marks, and what turns the direction; scripts of wide characters, and emoji */
	if ((c >= 0x300 && c < 0x370) || (c >= 0x200B && c < 0x2010) || (c >= 0x202A && c < 0x202F))
		return 0;
	if (c >= 0x1100)
		return 1.05;
	return c >= 'A' && c <= 'Z' ? 0.72 : 0.64;
}

int
html_fit(const char *text, double ems, double *width)
{
	int most = (int) ems * 3 + 3;
	size_t length;
	const unsigned char *at = in_utf8(text, (size_t) most * 8 + 8, &length);
	const unsigned char *end = at + length;
	double so_far = 0;
	int n = 0;

	*width = 0;
	while (at < end && n < most)
	{
		so_far += width_of(next_character(&at, end));
		/* the ellipsis takes the place of the last one that fits */
		if (so_far > ems)
			return Max(n, 1);
		*width = so_far;
		n++;
	}
	return Max(n, 1);
}

char *
html_count(int64 n)
{
	char *plain = psprintf(INT64_FORMAT, n);
	int length = (int) strlen(plain);
	StringInfoData out;

	initStringInfo(&out);
	for (int k = 0; k < length; k++)
	{
		appendStringInfoChar(&out, plain[k]);
		if ((length - 1 - k) % 3 == 0 && k < length - 1 && plain[k] != '-')
			appendStringInfoChar(&out, ',');
	}
	return out.data;
}

char *
html_figure(double value, int digits)
{
	double size = fabs(value);

	if (!isfinite(value))
		return pstrdup("");
	if (size >= 1e15 || (size > 0 && size < 1e-6))
		return psprintf("%.*e", digits - 1, value);
	if (size >= pow(10, digits))
		return html_count((int64) rint(value));
	if (size > 0)
		digits -= (int) floor(log10(size)) + 1;
	if (size == 0 || digits <= 0)
		return html_count((int64) rint(value));
	return psprintf("%.*f", digits, value);
}

char *
html_percent(double share)
{
	double percent = 100 * share;

	if (!isfinite(percent))
		return pstrdup("");
	if (percent > 0 && percent < 0.1)
		return pstrdup("under 0.1%");
	return psprintf("%.*f%%", fabs(percent) < 9.95 && percent != 0 ? 1 : 0, percent);
}

char *
html_bytes(double bytes)
{
	static const char *const unit[] = {"bytes", "kB", "MB", "GB", "TB"};
	int u = 0;

	for (; bytes >= 999.5 && u < lengthof(unit) - 1; u++)
		bytes /= 1000;
	return psprintf("%s %s", html_figure(bytes, u == 0 || bytes >= 100 ? 3 : 2), unit[u]);
}

char *
html_seconds(double seconds)
{
	if (!isfinite(seconds))
		return pstrdup("");
	if (seconds < 0.9995)
		return psprintf("%.0f ms", 1000 * seconds);
	if (seconds < 119.5)
		return psprintf("%.*f s", seconds < 9.95 ? 1 : 0, seconds);
	if (seconds < 7170)
		return psprintf("%.0f min", seconds / 60);
	return psprintf("%.1f h", seconds / 3600);
}

/* A moment in parts; false: it has none. */
static bool
split_time(TimestampTz at, struct pg_tm *tm, const char **zone)
{
	int offset;
	fsec_t fraction;

	return !TIMESTAMP_NOT_FINITE(at) && timestamp2tm(at, &offset, tm, &fraction, zone, NULL) == 0 &&
		   tm->tm_mon >= 1 && tm->tm_mon <= 12;
}

char *
html_time_text(TimestampTz at, bool with_clock)
{
	struct pg_tm tm;
	const char *zone = NULL;

	if (!split_time(at, &tm, &zone))
		return pstrdup("");
	if (!with_clock)
		return psprintf("%d %s %d", tm.tm_mday, months[tm.tm_mon - 1], tm.tm_year);
	return psprintf("%d %s %d, %02d:%02d %s", tm.tm_mday, months[tm.tm_mon - 1], tm.tm_year,
					tm.tm_hour, tm.tm_min, zone ? zone : "");
}

void
html_time(StringInfo out, TimestampTz at)
{
	struct pg_tm tm;
	fsec_t fraction;

	/* a year that a browser does not take has no attribute */
	if (TIMESTAMP_NOT_FINITE(at) || timestamp2tm(at, NULL, &tm, &fraction, NULL, NULL) != 0 ||
		tm.tm_year < 1 || tm.tm_year > 9999)
		html_put(out, "%t", html_time_text(at, true));
	else
		html_put(out, "<time datetime=\"%m\">%t</time>",
				 psprintf("%04d-%02d-%02dT%02d:%02dZ", tm.tm_year, tm.tm_mon, tm.tm_mday,
						  tm.tm_hour, tm.tm_min),
				 html_time_text(at, true));
}

/* A coordinate: short, and the same on every machine. */
static void
put_coordinate(StringInfo out, double value)
{
	double tenths = isfinite(value) && fabs(value) < 1e6 ? rint(value * 10) : 0;

	if (fmod(tenths, 10) == 0)
		appendStringInfo(out, "%.0f", tenths / 10 + 0.0);
	else
		appendStringInfo(out, "%.1f", tenths / 10);
}

void
html_put(StringInfo out, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	for (const char *p = format; *p; p++)
	{
		const char *text;

		if (*p != '%')
		{
			appendStringInfoChar(out, *p);
			continue;
		}
		switch (*++p)
		{
			case 't':
				text = va_arg(args, const char *);
				if (text)
					html_text(out, text, HTML_TEXT);
				break;
			case 'm':
				appendStringInfoString(out, va_arg(args, const char *));
				break;
			case 'd':
				appendStringInfo(out, "%d", va_arg(args, int));
				break;
			case 'c':
				appendStringInfoString(out, html_count(va_arg(args, int64)));
				break;
			case 'g':
				appendStringInfoString(out, html_figure(va_arg(args, double), 4));
				break;
			case 'p':
				appendStringInfoString(out, html_percent(va_arg(args, double)));
				break;
			case 'f':
				put_coordinate(out, va_arg(args, double));
				break;
			default:
				Assert(*p == '%');
				appendStringInfoChar(out, '%');
		}
	}
	va_end(args);
}

void
html_table_begin(StringInfo out, const char *summary, const char *caption,
				 const char *const *columns, int n)
{
	if (summary)
		html_put(out, "<details><summary>%t</summary>\n", summary);
	html_put(out,
			 "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"%t\">"
			 "<table><caption>%t</caption>\n<thead><tr>",
			 caption, caption);
	for (int c = 0; c < n; c++)
		html_put(out, "<th scope=\"col\"%m>%t</th>", columns[c][0] == '-' ? " class=\"n\"" : "",
				 columns[c] + (columns[c][0] == '-'));
	html_put(out, "</tr></thead>\n<tbody>\n");
}

void
html_table_end(StringInfo out, bool in_details)
{
	html_put(out, "</tbody></table></div>%m\n", in_details ? "</details>" : "");
}
