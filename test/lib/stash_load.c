/*-------------------------------------------------------------------------
 *
 * stash_load.c
 *	  Many clients that work on one stash at once and log what they saw.
 *
 *	stash_load [OPTION...] CONNINFO FOLDER
 *
 *		-c CLIENTS		processes, each with a connection
 *		-s SECONDS		until no new operation begins
 *		-n OPERATIONS	of each client, at most
 *		-k KEYS			integers from 1; half of the operations take one of the
 *						first ten, and half of those one of the first two
 *		-o LIST			operations that are used, as in put,get
 *		-i NUMBER		of the first client; numbers are given once a history
 *		-t STASH
 *		-a				get each key once, in order, and nothing else
 *
 * The functions are found by the search_path of CONNINFO, so that others than
 * those of the extension can be put in their place.
 *
 * Each client writes FOLDER/<number>, one operation a line:
 *
 *		key operation id start end result
 *
 * Times are milliseconds of the monotonic clock, taken outside all that the
 * operation sends; the operation put_5 gives a value 5 of them to live.  "id" is the value that it brings along, client.counter.
 * "result" is the version of a put, the id of the value that was found, t, f,
 * "-" for none, or "?" when the answer never came.  Then "end" is "-": whether
 * the operation happened is not known.  What was rolled back is not logged.
 *
 * A value says its id and has a length and bytes that follow from it; each
 * value that is found is compared in full.  Exits with 3 when the server went
 * away, and with 1 for any other error and for a value that is not whole.
 *
 *-------------------------------------------------------------------------
 */
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "libpq-fe.h"

#define MAX_VALUE	120000		/* bytes of a value, with the final zero */
#define SERVER_GONE	3			/* exit status */

typedef enum Operation
{
	OP_PUT,
	OP_PUT_TTL,
	OP_GET,
	OP_HAS,
	OP_REMOVE,
	OP_POP,
	OP_GET_OR_PUT,
	N_OPS
} Operation;

static const struct
{
	const char *name;
	const char *query;			/* %s is the stash */
	int			weight;
	bool		has_value;		/* a second parameter */
	bool		writes;			/* may have a transaction of its own */
}			operations[N_OPS] =

{
	[OP_PUT] = {"put", "SELECT put('%s'::regclass, $1::int4, $2::text)", 6, true, true},
	[OP_PUT_TTL] = {"put_5", "SELECT put('%s'::regclass, $1::int4, $2::text, '5 ms')", 2, true, true},
	[OP_GET] = {"get", "SELECT get('%s'::regclass, $1::int4, NULL::text)", 6, false, false},
	[OP_HAS] = {"has", "SELECT has('%s'::regclass, $1::int4)", 1, false, false},
	[OP_REMOVE] = {"remove", "SELECT remove('%s'::regclass, $1::int4)", 3, false, true},
	[OP_POP] = {"pop", "SELECT pop('%s'::regclass, $1::int4)::text", 4, false, true},
	[OP_GET_OR_PUT] = {"get_or_put", "SELECT get_or_put('%s'::regclass, $1::int4, $2::text)::text", 6, true, true},
};

static int	n_clients = 16;
static int	seconds = 3600;
static long n_operations = LONG_MAX;
static int	n_keys = 1000;
static int	first_client = 0;
static bool get_all = false;
static const char *stash = "load";
static bool is_used[N_OPS];

/* of this process */
static int	client;
static PGconn *conn;
static FILE *history;
static uint64_t dice;
static char value[MAX_VALUE];
static char expected[MAX_VALUE];

/* end this process with exit status 1 */
static void
fail(const char *what, const char *detail)
{
	fprintf(stderr, "client %d: %s: %.200s\n", client, what, detail);
	exit(1);
}

/* the next number of a sequence; splitmix64 */
static uint64_t
roll(uint64_t *state)
{
	uint64_t	z = (*state += UINT64_C(0x9E3779B97F4A7C15));

	z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
	return z ^ (z >> 31);
}

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

/* ---- values ---- */

/* most are in the row, some in TOAST, a few in fifty chunks of it */
static int
length_of_value(uint64_t *state)
{
	uint64_t	kind = roll(state) % 100;

	if (kind < 90)
		return 20 + roll(state) % 200;
	if (kind < 98)
		return 2000 + roll(state) % 8000;
	return 100000 + roll(state) % 10000;
}

static void
make_value(char *buffer, unsigned owner, unsigned counter)
{
	static const char letters[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	uint64_t	state = ((uint64_t) owner << 32) | counter;
	int			len = length_of_value(&state);
	int			at = sprintf(buffer, "%u.%u ", owner, counter);
	uint64_t	bits = 0;

	for (int i = 0; at < len; i++, at++, bits >>= 6)
	{
		if (i % 10 == 0)
			bits = roll(&state);
		buffer[at] = letters[bits & 63];
	}
	buffer[at] = '\0';
}

/* the id of a value that was found, which must be whole */
static const char *
id_of_value(const char *found)
{
	static char id[32];
	unsigned	owner;
	unsigned	counter;

	if (sscanf(found, "%u.%u ", &owner, &counter) != 2)
		fail("a value that nobody put", found);
	make_value(expected, owner, counter);
	if (strcmp(found, expected) != 0)
		fail("a value that is not whole", found);
	snprintf(id, sizeof(id), "%u.%u", owner, counter);
	return id;
}

/* ---- one operation ---- */

/* false when the server went away; any other error ends the client */
static bool
succeeded(PGresult *result)
{
	ExecStatusType status = PQresultStatus(result);

	if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK)
		return true;
	if (PQstatus(conn) != CONNECTION_BAD)
		fail("an operation failed", PQerrorMessage(conn));
	return false;
}

static bool
run(const char *command)
{
	PGresult   *result = PQexec(conn, command);
	bool		is_done = succeeded(result);

	PQclear(result);
	return is_done;
}

/* what the operation answered, or NULL when the server went away */
static const char *
ask(Operation op, int key)
{
	static char answer[32];
	char		key_text[12];
	const char *params[2] = {key_text, value};
	PGresult   *result;

	snprintf(key_text, sizeof(key_text), "%d", key);
	result = PQexecPrepared(conn, operations[op].name,
							operations[op].has_value ? 2 : 1,
							params, NULL, NULL, 0);
	if (!succeeded(result))
		return NULL;
	if (PQgetisnull(result, 0, 0))
		strcpy(answer, "-");
	else if (op == OP_GET || op == OP_POP || op == OP_GET_OR_PUT)
		strcpy(answer, id_of_value(PQgetvalue(result, 0, 0)));
	else
		snprintf(answer, sizeof(answer), "%s", PQgetvalue(result, 0, 0));
	PQclear(result);
	return answer;
}

/*
 * An operation in a transaction of its own holds its lock for longer, and may
 * be rolled back.  False when the server went away.
 */
static bool
operate(Operation op, int key, unsigned counter)
{
	bool		in_block = operations[op].writes && !get_all && roll(&dice) % 4 == 0;

	/* a number of operations is one of those that happen */
	bool		rolls_back = in_block && n_operations == LONG_MAX && roll(&dice) % 4 == 0;
	double		start;
	const char *answer;
	bool		is_done;

	if (operations[op].has_value)
		make_value(value, client, counter);
	start = now();
	if (in_block && !run("BEGIN"))
		return false;
	answer = ask(op, key);
	/* what no COMMIT was sent for did not happen */
	if (in_block && answer == NULL)
		return false;
	if (rolls_back)
		return run("ROLLBACK");
	is_done = answer != NULL && (!in_block || run("COMMIT"));
	fprintf(history, "%d %s %d.%u %.6f ", key, operations[op].name,
			client, counter, start);
	if (is_done)
		fprintf(history, "%.6f %s\n", now(), answer);
	else
		fprintf(history, "- %s\n", answer ? answer : "?");
	return is_done;
}

/* ---- one client ---- */

static Operation
choose_operation(void)
{
	int			sum = 0;
	int			at;

	for (int op = 0; op < N_OPS; op++)
		sum += is_used[op] ? operations[op].weight : 0;
	at = roll(&dice) % sum;
	for (int op = 0;; op++)
	{
		at -= is_used[op] ? operations[op].weight : 0;
		if (at < 0)
			return op;
	}
}

static int
choose_key(void)
{
	static const int first[] = {2, 10};
	uint64_t	kind = roll(&dice) % 4;
	int			n = kind < 2 && first[kind] < n_keys ? first[kind] : n_keys;

	return 1 + roll(&dice) % n;
}

/* false when the server went away, or is not there */
static bool
begin_client(const char *conninfo, const char *folder)
{
	char		text[1024];

	snprintf(text, sizeof(text), "%s/%d", folder, client);
	history = fopen(text, "w");
	if (history == NULL)
		fail("could not write the log", strerror(errno));
	conn = PQconnectdb(conninfo);
	if (PQstatus(conn) != CONNECTION_OK)
		return false;
	for (int op = 0; op < N_OPS; op++)
	{
		PGresult   *result;
		bool		is_prepared;

		if (!is_used[op])
			continue;
		snprintf(text, sizeof(text), operations[op].query, stash);
		result = PQprepare(conn, operations[op].name, text, 0, NULL);
		is_prepared = succeeded(result);
		PQclear(result);
		if (!is_prepared)
			return false;
	}
	return true;
}

static int
run_client(const char *conninfo, const char *folder)
{
	bool		is_connected = begin_client(conninfo, folder);
	double		deadline = now() + seconds * 1e3;

	dice = client;
	for (long i = 1; is_connected && i <= n_operations && now() < deadline; i++)
	{
		if (get_all)
			is_connected = operate(OP_GET, i, i);
		else
		{
			Operation	op = choose_operation();

			is_connected = operate(op, choose_key(), i);
		}
	}
	PQfinish(conn);
	if (fclose(history) != 0)
		fail("could not write the log", strerror(errno));
	return is_connected ? 0 : SERVER_GONE;
}

/* ---- all clients ---- */

static void
read_operations(char *list)
{
	memset(is_used, 0, sizeof(is_used));
	for (char *name = strtok(list, ","); name != NULL; name = strtok(NULL, ","))
	{
		int			op = 0;

		while (op < N_OPS && strcmp(operations[op].name, name) != 0)
			op++;
		if (op == N_OPS)
			fail("unknown operation", name);
		is_used[op] = true;
	}
}

static void
read_options(int argc, char **argv)
{
	int			option;

	is_used[OP_PUT] = is_used[OP_GET] = true;
	while ((option = getopt(argc, argv, "c:s:n:k:o:i:t:a")) != -1)
	{
		switch (option)
		{
			case 'c':
				n_clients = atoi(optarg);
				break;
			case 's':
				seconds = atoi(optarg);
				break;
			case 'n':
				n_operations = atol(optarg);
				break;
			case 'k':
				n_keys = atoi(optarg);
				break;
			case 'o':
				read_operations(optarg);
				break;
			case 'i':
				first_client = atoi(optarg);
				break;
			case 't':
				stash = optarg;
				break;
			case 'a':
				get_all = true;
				break;
			default:
				exit(1);
		}
	}
	if (get_all)
	{
		n_clients = 1;
		n_operations = n_keys;
	}
	if (argc - optind != 2)
		fail("wrong number of arguments", "wants CONNINFO and FOLDER");
}

int
main(int argc, char **argv)
{
	int			worst = 0;
	int			status;

	read_options(argc, argv);
	for (int i = 0; i < n_clients; i++)
	{
		pid_t		pid = fork();

		if (pid < 0)
			fail("could not fork", strerror(errno));
		client = first_client + i;
		if (pid == 0)
			return run_client(argv[optind], argv[optind + 1]);
	}
	/* an error of one is the error of all */
	while (wait(&status) > 0)
	{
		status = WIFEXITED(status) ? WEXITSTATUS(status) : 1;
		if (worst == 0 || status == 1)
			worst = status;
	}
	return worst;
}
