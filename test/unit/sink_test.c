/*-------------------------------------------------------------------------
 *
 * sink_test.c
 *	  Bytes go into the buffer while they fit, and whole to 'overflow' else.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "sink.h"
#include "unit.h"

/* A sink that remembers what did not fit. */
typedef struct Recorder
{
	StashSink	sink;
	int			calls;
	Size		len;			/* of the last call */
	char		first;			/* byte of the last call */
} Recorder;

static void
record(StashSink *sink, const void *data, Size len)
{
	Recorder   *recorder = (Recorder *) sink;

	recorder->calls++;
	recorder->len = len;
	recorder->first = *(const char *) data;
}

static void
start(Recorder *recorder, Size cap)
{
	memset(recorder, 0, sizeof(*recorder));
	recorder->sink.buf = malloc(cap);
	recorder->sink.cap = cap;
	recorder->sink.overflow = record;
}

static bool
holds(Recorder *recorder, const char *bytes, Size len)
{
	bool		result = recorder->sink.used == len &&
	memcmp(recorder->sink.buf, bytes, len) == 0;

	free(recorder->sink.buf);
	return result;
}

static void
test_fits_exactly(void)
{
	Recorder	recorder;

	start(&recorder, 6);
	stash_sink_put(&recorder.sink, "abc", 3);
	stash_sink_put(&recorder.sink, "", 0);
	stash_sink_put(&recorder.sink, "def", 3);
	stash_sink_put(&recorder.sink, "", 0);
	CHECK(recorder.calls == 0);
	CHECK(holds(&recorder, "abcdef", 6));
}

static void
test_overflow(void)
{
	Recorder	recorder;

	start(&recorder, 6);
	stash_sink_put(&recorder.sink, "abcd", 4);
	stash_sink_put(&recorder.sink, "xyz", 3);
	CHECK(recorder.calls == 1 && recorder.len == 3 && recorder.first == 'x');
	/* what fits beside it is still taken */
	stash_sink_put(&recorder.sink, "ef", 2);
	CHECK(recorder.calls == 1);
	stash_sink_put(&recorder.sink, "z", 1);
	CHECK(recorder.calls == 2 && recorder.len == 1 && recorder.first == 'z');
	CHECK(holds(&recorder, "abcdef", 6));
}

/* Numbers stand least significant byte first, on every machine. */
static void
test_numbers(void)
{
	Recorder	recorder;

	start(&recorder, 13);
	stash_sink_put_u8(&recorder.sink, 0x01);
	stash_sink_put_u32(&recorder.sink, 0x02030405);
	stash_sink_put_u64(&recorder.sink, UINT64CONST(0x060708090A0B0C0D));
	CHECK(holds(&recorder, "\x01\x05\x04\x03\x02\x0D\x0C\x0B\x0A\x09\x08\x07\x06", 13));
}

static void
test_varints(void)
{
	static const struct
	{
		uint64		value;
		const char *bytes;
		Size		len;
	}			cases[] = {
		{0, "\x00", 1},
		{1, "\x01", 1},
		{127, "\x7F", 1},
		{128, "\x80\x01", 2},
		{300, "\xAC\x02", 2},
		{16383, "\xFF\x7F", 2},
		{16384, "\x80\x80\x01", 3},
		{UINT64CONST(0x7FFFFFFFFFFFFFFF), "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F", 9},
		{UINT64CONST(0x8000000000000000), "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 10},
		{UINT64CONST(0xFFFFFFFFFFFFFFFF), "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01", 10}
	};

	for (int i = 0; i < lengthof(cases); i++)
	{
		Recorder	recorder;

		start(&recorder, cases[i].len);
		stash_sink_put_varint(&recorder.sink, cases[i].value);
		CHECK(recorder.calls == 0 && holds(&recorder, cases[i].bytes, cases[i].len));
	}
}

int
main(void)
{
	test_fits_exactly();
	test_overflow();
	test_numbers();
	test_varints();
	return unit_report();
}
