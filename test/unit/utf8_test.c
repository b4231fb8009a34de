/*-------------------------------------------------------------------------
 *
 * utf8_test.c
 *	  The same is text as for the server, wherever it stands.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "mb/pg_wchar.h"

#include "utf8.h"
#include "unit.h"

#define STEP	(STASH_UTF8_LEAST - 3)

/* where what may stand behind them changes, and a byte on each side */
static const unsigned char bounds[] = {
	0x00, 0x01, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF,
	0xE0, 0xE1, 0xEC, 0xED, 0xEE, 0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xFF
};

/* the first and last characters of each kind, and what comes near them */
static const char *const sequences[] = {
	"\x01", "\x7F", "\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80", "\xE0\xBF\xBF", "\xE1\x80\x80", "\xEC\xBF\xBF",
	"\xED\x80\x80", "\xED\x9F\xBF", "\xEE\x80\x80", "\xEF\xBF\xBF", "\xF0\x90\x80\x80", "\xF0\xBF\xBF\xBF",
	"\xF1\x80\x80\x80", "\xF3\xBF\xBF\xBF", "\xF4\x80\x80\x80", "\xF4\x8F\xBF\xBF",
	"\x80", "\xBF", "\xC0\x80", "\xC1\xBF", "\xC2", "\xC2\xC2", "\xC2\x80\x80", "\xE0\x9F\xBF", "\xE1\x80",
	"\xE1\x80\xC2", "\xE1\x80\x80\x80", "\xED\xA0\x80", "\xED\xBF\xBF", "\xF0\x8F\xBF\xBF", "\xF1\x80",
	"\xF1\x80\x80", "\xF1\x80\x80\x80\x80", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF\xFF\xFF\xFF"
};

static const char *const fillings[] = {"a", "\xC3\xA4", "\xE4\xB8\x96", "\xF0\x9F\x98\x80", "a\xC3\xA4"};

/* how often the server said yes and no, and how often it was contradicted */
typedef struct Verdicts
{
	int			valid;
	int			invalid;
	int			other;
} Verdicts;

static void
judge(Verdicts *verdicts, const char *data, Size len)
{
	bool		is_valid = pg_encoding_verifymbstr(PG_UTF8, data, (int) len) == (int) len;

	if (is_valid)
		verdicts->valid++;
	else
		verdicts->invalid++;
	if (stash_utf8_is_valid(data, len) != is_valid)
		verdicts->other++;
}

static bool
agree(const Verdicts *verdicts)
{
	return verdicts->valid > 0 && verdicts->invalid > 0 && verdicts->other == 0;
}

/* 'len' bytes, and nothing behind them, of one filling again and again */
static char *
fill(const char *filling, Size len)
{
	char	   *data = malloc(len);

	for (Size i = 0; i < len; i++)
		data[i] = filling[i % strlen(filling)];
	return data;
}

/* four bytes of all there are at bounds, across the border of two steps */
static void
test_four_bytes(void)
{
	Size		len = STASH_UTF8_LEAST + STEP;
	char	   *data = fill("a", len);
	char	   *at = data + len - STEP - 2;
	Verdicts	verdicts = {0};

	for (int i = 0; i < lengthof(bounds); i++)
		for (int j = 0; j < lengthof(bounds); j++)
			for (int k = 0; k < lengthof(bounds); k++)
				for (int l = 0; l < lengthof(bounds); l++)
				{
					at[0] = (char) bounds[i];
					at[1] = (char) bounds[j];
					at[2] = (char) bounds[k];
					at[3] = (char) bounds[l];
					judge(&verdicts, data, len);
				}
	free(data);
	CHECK(agree(&verdicts));
}

/* sequences at each place, cut off at the end too, and a zero at each place */
static void
test_every_place(void)
{
	static const Size lens[] = {
		STASH_UTF8_LEAST, STASH_UTF8_LEAST + 1, STASH_UTF8_LEAST + 77, 2 * STEP, 2 * STEP + 3, 2 * STEP + 4
	};
	Verdicts	verdicts = {0};
	Verdicts	zeros = {0};

	for (int i = 0; i < lengthof(lens); i++)
	{
		Size		len = lens[i];
		char	   *data = fill("a", len);

		for (Size at = 0; at < len; at++)
		{
			for (int j = 0; j < lengthof(sequences); j++)
			{
				Size		few = Min(strlen(sequences[j]), len - at);

				memcpy(data + at, sequences[j], few);
				judge(&verdicts, data, len);
				memset(data + at, 'a', few);
			}
			data[at] = '\0';
			judge(&zeros, data, len);
			data[at] = 'a';
		}
		free(data);
	}
	CHECK(agree(&verdicts));
	CHECK(zeros.invalid > 0 && zeros.valid == 0 && zeros.other == 0);
}

/* text of many characters of a kind, one byte of which is another */
static void
test_one_other_byte(void)
{
	Verdicts	verdicts = {0};

	for (int i = 0; i < lengthof(fillings); i++)
	{
		/* cut off or not */
		for (Size len = STASH_UTF8_LEAST + STEP / 2; len < STASH_UTF8_LEAST + STEP / 2 + 4; len++)
		{
			char	   *data = fill(fillings[i], len);

			for (Size at = 0; at < len; at++)
			{
				char		before = data[at];

				for (int j = 0; j < lengthof(bounds); j++)
				{
					data[at] = (char) bounds[j];
					judge(&verdicts, data, len);
				}
				data[at] = before;
			}
			free(data);
		}
	}
	CHECK(agree(&verdicts));
}

int
main(void)
{
	test_four_bytes();
	test_every_place();
	test_one_other_byte();
	return unit_report();
}
