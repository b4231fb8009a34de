/*-------------------------------------------------------------------------
 *
 * fuzz_loop.c
 *	  In the place of libFuzzer, for compilers that lack it.
 *
 * A program that takes SECONDS and files.  Each file is cut at each byte and
 * changed at each byte; then files are damaged at random until the time is up,
 * by the target's own mutator where it has one.  The input that ends the
 * program is printed in hexadecimal.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include <time.h>
#include <sanitizer/common_interface_defs.h>

#include "fuzz.h"

#define MAX_FILE	65536		/* bytes that a damaged file may have */

#pragma weak LLVMFuzzerInitialize
#pragma weak LLVMFuzzerCustomMutator

static uint64 dice = UINT64CONST(0x9E3779B97F4A7C15);
static const unsigned char *input;	/* of the run that is under way */
static size_t input_len;
static unsigned long n_run;

static void
print_input(void)
{
	fprintf(stderr, "input of %zu bytes: ", input_len);
	for (size_t i = 0; i < input_len; i++)
		fprintf(stderr, "%02x", input[i]);
	fprintf(stderr, "\n");
}

static void
run(const unsigned char *data, size_t len)
{
	input = data;
	input_len = len;
	n_run++;
	LLVMFuzzerTestOneInput(data, len);
}

static size_t
read_file(const char *name, unsigned char *data)
{
	FILE	   *file = fopen(name, "rb");
	size_t		len;

	if (file == NULL)
	{
		perror(name);
		exit(1);
	}
	len = fread(data, 1, MAX_FILE, file);
	fclose(file);
	return len;
}

static void
harm_everywhere(unsigned char *data, size_t len)
{
	static const unsigned char masks[] = {1, 128, 255};

	for (size_t i = 0; i <= len; i++)
		run(data, i);
	for (size_t i = 0; i < len; i++)
	{
		for (int m = 0; m < lengthof(masks); m++)
		{
			data[i] ^= masks[m];
			run(data, len);
			data[i] ^= masks[m];
		}
	}
}

/* One change; bytes are only added where there is room. */
static size_t
harm(unsigned char *data, size_t len, size_t max)
{
	size_t		at = fuzz_random(&dice) % len;
	size_t		from = fuzz_random(&dice) % len;
	size_t		size = 1 + fuzz_random(&dice) % Min(len - Max(at, from), 32);

	switch (fuzz_random(&dice) % 5)
	{
		case 0:
			data[at] = (unsigned char) fuzz_random(&dice);
			break;
		case 1:
			data[at] ^= 1 << fuzz_random(&dice) % 8;
			break;
		case 2:
			memmove(data + at, data + from, size);
			break;
		case 3:
			memmove(data + at, data + at + size, len - at - size);
			return len - size;
		case 4:
			if (size > max - len)
				break;
			memmove(data + at + size, data + at, len - at);
			return len + size;
	}
	return len;
}

size_t
LLVMFuzzerMutate(unsigned char *data, size_t len, size_t max)
{
	int			n = 1 + fuzz_random(&dice) % 8;

	if (len == 0 && max > 0)
		data[len++] = (unsigned char) fuzz_random(&dice);
	while (n-- > 0 && len > 0)
		len = harm(data, len, max);
	return len;
}

static void
harm_at_random(const unsigned char *file, size_t len)
{
	static unsigned char data[MAX_FILE];

	memcpy(data, file, len);
	if (LLVMFuzzerCustomMutator != NULL)
		len = LLVMFuzzerCustomMutator(data, len, MAX_FILE, (unsigned int) fuzz_random(&dice));
	else
		len = LLVMFuzzerMutate(data, len, MAX_FILE);
	run(data, len);
}

int
main(int argc, char **argv)
{
	static unsigned char data[MAX_FILE];
	time_t		end;

	if (LLVMFuzzerInitialize != NULL)
		LLVMFuzzerInitialize(&argc, &argv);
	if (argc < 3)
	{
		fprintf(stderr, "usage: %s SECONDS FILE...\n", argv[0]);
		return 1;
	}
	__sanitizer_set_death_callback(print_input);
	for (int i = 2; i < argc; i++)
		harm_everywhere(data, read_file(argv[i], data));
	end = time(NULL) + atoi(argv[1]);
	while (time(NULL) < end)
	{
		size_t		len = read_file(argv[2 + fuzz_random(&dice) % (argc - 2)], data);

		for (int n = 0; n < 100; n++)
			harm_at_random(data, len);
	}
	printf("# %lu executions\n", n_run);
	return 0;
}
