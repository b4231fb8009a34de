/*-------------------------------------------------------------------------
 *
 * assemble_time.c
 *	  Which strings are dates and times.
 *
 * Only ISO 8601 as programs write it, which the server reads alike under all
 * settings: 2024-02-29, 2024-02-29T12:00, 2024-02-29 12:00:00.5, and with Z,
 * +01, +01:00 or +0100 behind.  Numbers are judged, so that the server takes
 * what is found here.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/datetime.h"

#include "assemble.h"

/* What is left of a string. */
typedef struct Rest
{
	const char *at;
	const char *end;
} Rest;

/* take 'n' digits as a number between two bounds */
static bool
take_number(Rest *rest, int n, int least, int most, int *number)
{
	*number = 0;
	if (rest->end - rest->at < n)
		return false;
	for (int i = 0; i < n; i++, rest->at++)
	{
		if (*rest->at < '0' || *rest->at > '9')
			return false;
		*number = *number * 10 + (*rest->at - '0');
	}
	return *number >= least && *number <= most;
}

static bool
take_char(Rest *rest, char wanted)
{
	if (rest->at == rest->end || *rest->at != wanted)
		return false;
	rest->at++;
	return true;
}

static bool
take_date(Rest *rest)
{
	int			year;
	int			month;
	int			day;

	return take_number(rest, 4, 1, 9999, &year) && take_char(rest, '-') &&
		take_number(rest, 2, 1, 12, &month) && take_char(rest, '-') &&
		take_number(rest, 2, 1, 31, &day) &&
		day <= day_tab[isleap(year)][month - 1];
}

/* hour and minute; perhaps seconds, and parts of them as fine as the server keeps */
static bool
take_time(Rest *rest)
{
	int			number;
	int			ndigits = 0;

	if (!take_number(rest, 2, 0, 23, &number) || !take_char(rest, ':') ||
		!take_number(rest, 2, 0, 59, &number))
		return false;
	if (!take_char(rest, ':'))
		return true;
	if (!take_number(rest, 2, 0, 59, &number))
		return false;
	if (!take_char(rest, '.'))
		return true;
	while (rest->at < rest->end && *rest->at >= '0' && *rest->at <= '9')
	{
		rest->at++;
		ndigits++;
	}
	return ndigits >= 1 && ndigits <= 6;
}

static bool
take_zone(Rest *rest)
{
	int			number;

	if (take_char(rest, 'Z'))
		return true;
	if (!take_char(rest, '+') && !take_char(rest, '-'))
		return false;
	if (!take_number(rest, 2, 0, 15, &number))
		return false;
	if (rest->at == rest->end)
		return true;
	(void) take_char(rest, ':');
	return take_number(rest, 2, 0, 59, &number);
}

/*
 * DATEOID, TIMESTAMPOID or TIMESTAMPTZOID for a string that is one, else 0.
 */
Oid
stash_assemble_time_type(const char *text, int len)
{
	Rest		rest = {text, text + len};

	if (!take_date(&rest))
		return InvalidOid;
	if (rest.at == rest.end)
		return DATEOID;
	if ((!take_char(&rest, 'T') && !take_char(&rest, ' ')) || !take_time(&rest))
		return InvalidOid;
	if (rest.at == rest.end)
		return TIMESTAMPOID;
	return take_zone(&rest) && rest.at == rest.end ? TIMESTAMPTZOID : InvalidOid;
}
