/*-------------------------------------------------------------------------
 *
 * memo_key.c
 *	  What makes two calls the same call.
 *
 * A key is an identity and the arguments.  The identity is the function, the
 * definition of its target, and, unless the target is IMMUTABLE, the role and
 * all settings that can change a result.  It stands in keys as a short text:
 * the role in clear, the rest as a cryptographic digest, so that nobody can
 * make settings whose key is that of somebody else.  Keys found by their hash
 * are compared in full.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#ifdef __GLIBC__
#include <gnu/libc-version.h>
#endif

#include "access/tupdesc.h"
#include "catalog/namespace.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_enum.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "common/cryptohash.h"
#include "common/sha2.h"
#include "miscadmin.h"
#include "nodes/value.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/datetime.h"
#include "utils/fmgrprotos.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "catalog.h"
#include "codec.h"
#include "compat.h"
#include "frame_datum.h"
#include "hash_datum.h"
#include "image.h"
#include "memo.h"
#include "memo_setting.h"

#define DIGEST_BYTES		16	/* of SHA-256, in the text of an identity */
#define MAX_INTERNED		1000	/* texts remembered before starting over */
#define SHARED_ROLE			InvalidOid

/* of arguments; their frame may be larger, and must have room in a row */
#define MAX_KEY_BYTES		(128 * 1024 * 1024)

/* All that is compared at each call to see whether the environment changed. */
typedef struct Environment
{
	Oid			role;			/* SHARED_ROLE: not part of it */
	Oid			session_role;
	uint64		roles_generation;
	uint64		schemas_generation;
	StashMemoSettings settings;
} Environment;

/* A text that has a number for as long as the session lasts. */
typedef struct Interned
{
	StashHash128 hash;			/* must be first */
	uint64		id;
	char	   *text;
} Interned;

static MemoryContext key_context;
static HTAB *environments;		/* text of an environment to Interned */
static HTAB *identities;		/* text of an identity to Interned */
static uint64 next_id = 1;

/* the environments of the last calls: one with the role, one shared */
static Environment last[2];
static uint64 last_id[2];		/* 0: not known */
static char *last_text[2];

static uint64 schemas_generation = 1;	/* changes with any schema */

static HTAB *collations_known;	/* by OID, CollationKnown; NULL: none */

static void
forget_collations(Datum arg, int cacheid, uint32 hashvalue)
{
	if (collations_known != NULL)
		hash_destroy(collations_known);
	collations_known = NULL;
}

static void
forget_schemas(Datum arg, int cacheid, uint32 hashvalue)
{
	schemas_generation++;
}

static HTAB *
make_table(const char *name)
{
	HASHCTL		ctl = {0};

	ctl.keysize = sizeof(StashHash128);
	ctl.entrysize = sizeof(Interned);
	ctl.hcxt = key_context;
	return hash_create(name, 32, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

/*
 * Register the callbacks; called once when the library is loaded.
 */
void
stash_memo_key_init(void)
{
	key_context = AllocSetContextCreate(TopMemoryContext,
										"pg_hashstash memo keys",
										ALLOCSET_DEFAULT_SIZES);
	environments = make_table("pg_hashstash environments");
	identities = make_table("pg_hashstash identities");
	stash_catalog_listen_cache(COLLOID, forget_collations);
	stash_catalog_listen_cache(NAMESPACEOID, forget_schemas);
}

/* ---- the environment ---- */

/* find or add a text; numbers are never given twice in a session */
static Interned *
intern(HTAB *table, const char *text)
{
	StashHash128 hash = stash_hash_bytes128(text, strlen(text));
	Interned   *entry = hash_search(table, &hash, HASH_FIND, NULL);

	/* of two texts with one hash the later takes the place, and a new number */
	if (entry == NULL || strcmp(entry->text, text) != 0)
	{
		char	   *copy = MemoryContextStrdup(key_context, text);

		entry = hash_search(table, &hash, HASH_ENTER, NULL);
		entry->text = copy;
		entry->id = next_id++;
	}
	return entry;
}

static bool
environment_is(const Environment *env, Oid role, Oid session_role)
{
	return env->role == role && env->session_role == session_role &&
		env->roles_generation == stash_memo_roles_generation() &&
		env->schemas_generation == schemas_generation &&
		stash_memo_settings_are(&env->settings);
}

/* the schemas in which names are found, as far as the user may look into them */
static void
append_path(StringInfo out)
{
	StashCompatPath *path = stash_compat_path();
	ListCell   *cell;

	appendStringInfoString(out, " path=");
	foreach(cell, path->schemas)
	{
		char	   *name = isTempNamespace(lfirst_oid(cell)) ? "pg_temp" :
		get_namespace_name(lfirst_oid(cell));

		appendStringInfo(out, "%s%s", foreach_current_index(cell) > 0 ? "," : "",
						 name ? quote_identifier(name) : "?");
	}
}

static char *
describe_environment(const Environment *env)
{
	StringInfoData out;

	initStringInfo(&out);
	if (env->role != SHARED_ROLE)
	{
		stash_memo_append_role(&out, "role", env->role);
		stash_memo_append_role(&out, "session", env->session_role);
	}
	stash_memo_settings_append(&out, &env->settings);
	if (env->role != SHARED_ROLE)
		append_path(&out);
	return out.data;
}

/* drop what was interned when it has become too much; numbers go on */
static void
start_over(void)
{
	last_id[0] = last_id[1] = 0;
	memset(last, 0, sizeof(last));
	MemoryContextReset(key_context);
	environments = make_table("pg_hashstash environments");
	identities = make_table("pg_hashstash identities");
}

/*
 * The number of the environment of this call: role and settings.
 *
 * Equal numbers mean equal environments.  'is_shared' leaves out the role.
 * Called once a call: compares some words and short strings.
 */
uint64
stash_memo_environment(bool is_shared)
{
	Environment *env = &last[is_shared];
	Oid			role = is_shared ? SHARED_ROLE : GetUserId();
	Oid			session_role = is_shared ? SHARED_ROLE : GetSessionUserId();
	char	   *text;
	Interned   *entry;

	if (likely(last_id[is_shared] != 0 &&
			   environment_is(env, role, session_role)))
		return last_id[is_shared];

	last_id[is_shared] = 0;
	if (hash_get_num_entries(environments) >= MAX_INTERNED ||
		hash_get_num_entries(identities) >= MAX_INTERNED)
		start_over();
	env->role = role;
	env->session_role = session_role;
	env->roles_generation = stash_memo_roles_generation();
	env->schemas_generation = schemas_generation;
	stash_memo_settings_note(&env->settings, key_context);
	text = describe_environment(env);
	entry = intern(environments, text);
	pfree(text);
	last_text[is_shared] = entry->text;
	last_id[is_shared] = entry->id;
	return entry->id;
}

/* ---- the identity ---- */

static void
append_digest(StringInfo out, const char *text)
{
	uint8		digest[PG_SHA256_DIGEST_LENGTH];
	pg_cryptohash_ctx *sha = pg_cryptohash_create(PG_SHA256);

	if (sha == NULL || pg_cryptohash_init(sha) < 0 ||
		pg_cryptohash_update(sha, (const uint8 *) text, strlen(text)) < 0 ||
		pg_cryptohash_final(sha, digest, sizeof(digest)) < 0)
		elog(ERROR, "could not compute a SHA-256 digest");
	pg_cryptohash_free(sha);
	for (int i = 0; i < DIGEST_BYTES; i++)
		appendStringInfo(out, "%02x", digest[i]);
}

/* the version of a collation's order, as its library has it now; "" for none */
static char *
version_of(PGFunction actual_version, Oid object)
{
	LOCAL_FCINFO(fcinfo, 1);
	Datum		version;

	InitFunctionCallInfoData(*fcinfo, NULL, 1, InvalidOid, NULL, NULL);
	fcinfo->args[0].value = ObjectIdGetDatum(object);
	fcinfo->args[0].isnull = false;
	version = actual_version(fcinfo);
	return fcinfo->isnull ? "" : TextDatumGetCString(version);
}

/* versions of the orders that collations have */
typedef struct CollationKnown
{
	Oid			collation;		/* must be first */
	uint64		digest;
} CollationKnown;

/*
 * A number for the version that a collation's order has now, by its library;
 * 0 where there is none, or it is gone.
 */
uint64
stash_memo_collation_digest(Oid collation)
{
	CollationKnown *known;
	char	   *version;
	uint64		digest;

	if (collations_known != NULL &&
		(known = hash_search(collations_known, &collation, HASH_FIND, NULL)) != NULL)
		return known->digest;
	if (!SearchSysCacheExists1(COLLOID, ObjectIdGetDatum(collation)))
		return 0;
	version = version_of(pg_collation_actual_version, collation);
	digest = *version == '\0' ? 0 : stash_hash_bytes64(version, strlen(version), 0);
	if (collations_known == NULL)
	{
		HASHCTL		ctl = {0};

		ctl.keysize = sizeof(Oid);
		ctl.entrysize = sizeof(CollationKnown);
		collations_known = hash_create("pg_hashstash collations", 16, &ctl,
									   HASH_ELEM | HASH_BLOBS);
	}
	known = hash_search(collations_known, &collation, HASH_ENTER, NULL);
	known->digest = digest;
	return digest;
}

/*
 * The versions of orders that a target may use without naming them: of the C
 * library, the root of ICU and the database.  They are the same for as long as
 * the server runs.  Those of collations that a plan has are in the proof.
 */
static const char *
collation_versions(void)
{
	static char *versions;
	StringInfoData text;
	Oid			icu;

	if (versions != NULL)
		return versions;
	initStringInfo(&text);
#ifdef __GLIBC__
	appendStringInfo(&text, "%s,", gnu_get_libc_version());
#endif
	icu = get_collation_oid(list_make2(makeString("pg_catalog"),
									   makeString("und-x-icu")), true);
	if (OidIsValid(icu))
		appendStringInfo(&text, "%s,",
						 version_of(pg_collation_actual_version, icu));
	appendStringInfoString(&text,
						   version_of(pg_database_collation_actual_version,
									  MyDatabaseId));
	versions = MemoryContextStrdup(TopMemoryContext, text.data);
	return versions;
}

/* the strings of *identity are allocated in 'context' */
static void
make_identity(StashMemoIdentity *identity, StashMemo *memo, Oid collation,
			  const char *site, MemoryContext context)
{
	bool		has_environment = memo->has_environment;
	StringInfoData settings;
	StringInfoData text;

	initStringInfo(&settings);
	if (has_environment)
		appendStringInfo(&settings, "%s ", last_text[memo->body.is_shared]);
	appendStringInfo(&settings, "collations=%s ", collation_versions());
	if (OidIsValid(collation) && collation != DEFAULT_COLLATION_OID)
		appendStringInfo(&settings, "collation=%s(%u,%s) ",
						 get_collation_name(collation), collation,
						 version_of(pg_collation_actual_version, collation));
	appendStringInfoString(&settings, site);

	initStringInfo(&text);
	if (has_environment && !memo->body.is_shared)
	{
		char	   *role = GetUserNameFromId(GetUserId(), true);

		/* sessions go on when it is dropped; no name looks like that */
		appendStringInfo(&text, "role=%s(%u) ",
						 role ? quote_identifier(role) : "?", GetUserId());
	}
	appendStringInfoString(&text, "id=");
	append_digest(&text, psprintf("%s\n%s\n%s", memo->signature,
								  memo->definition, settings.data));

	identity->id = intern(identities, text.data)->id;
	identity->prefix = stash_hash_bytes128(text.data, text.len);
	identity->text = MemoryContextStrdup(context, text.data);
	identity->settings = MemoryContextStrdup(context, settings.data);
}

/*
 * The identity of calls to a memo in the present environment.
 *
 * 'collation' is the call's, 'site' what StashMemoCall says of it.  The
 * strings of *identity are allocated in 'context'.
 */
void
stash_memo_identity(StashMemoIdentity *identity, StashMemo *memo,
					Oid collation, const char *site, MemoryContext context)
{
	uint64		environment = 1;

	if (memo->has_environment)
		environment = stash_memo_environment(memo->body.is_shared);
	/* each statement has call sites of its own, mostly like the last ones */
	if (memo->last_environment != environment ||
		memo->last_collation != collation ||
		strcmp(memo->last_site, site) != 0)
	{
		MemoryContext own = GetMemoryChunkContext(memo);

		memo->last_environment = 0;
		if (memo->last_site != NULL)
		{
			pfree(memo->last.text);
			pfree(memo->last.settings);
			pfree(memo->last_site);
			memo->last_site = NULL;
		}
		make_identity(&memo->last, memo, collation, site, own);
		memo->last_site = MemoryContextStrdup(own, site);
		memo->last_collation = collation;
		memo->last_environment = environment;
	}
	*identity = memo->last;
	identity->text = MemoryContextStrdup(context, memo->last.text);
	identity->settings = MemoryContextStrdup(context, memo->last.settings);
}

/*
 * Append to what an answer depends on at a call site the labels and the order
 * of all enums in a type: what an answer says of one, or by it, is another
 * thing after ALTER TYPE.
 */
void
stash_memo_append_labels(StringInfo out, const StashType *type)
{
	if (type->inner != NULL)
		stash_memo_append_labels(out, type->inner);
	for (int i = 0; i < type->nfields; i++)
		stash_memo_append_labels(out, type->fields[i].type);
	if (type->kind == STASH_KIND_BASE && type->image == STASH_IMAGE_LABEL)
	{
		CatCList   *labels = SearchSysCacheList1(ENUMTYPOIDNAME,
												 ObjectIdGetDatum(type->oid));
		uint64		digest = 0;

		for (int i = 0; i < labels->n_members; i++)
		{
			Form_pg_enum form = (Form_pg_enum) GETSTRUCT(&labels->members[i]->tuple);
			uint32		order;

			memcpy(&order, &form->enumsortorder, sizeof(order));
			digest += stash_hash_bytes64(NameStr(form->enumlabel),
										 strlen(NameStr(form->enumlabel)), order);
		}
		ReleaseSysCacheList(labels);
		appendStringInfo(out, "labels=" UINT64_FORMAT " ", digest);
	}
}

/* ---- the key ---- */

static void
overflow_key(StashSink *sink, const void *data, Size len)
{
	Size		need = sink->used + len;
	Size		cap = Max(sink->cap * 2, need);
	char	   *buf;

	if (need > MAX_KEY_BYTES)
	{
		((StashMemoKey *) sink)->is_too_large = true;
		return;
	}
	buf = palloc(cap);
	/* the first buffer is not palloc'd, later ones go with their context */
	memcpy(buf, sink->buf, sink->used);
	memcpy(buf + sink->used, data, len);
	sink->buf = buf;
	sink->cap = cap;
	sink->used = need;
}

/*
 * The type that an argument has in keys.
 */
StashType *
stash_memo_key_type(const StashMemoCall *call, int argno)
{
	return call->is_sampled[argno] ?
		stash_type_lookup(UUIDOID, -1) : call->argtypes[argno];
}

/* an argument as keys hold it */
static Datum
key_argument(StashMemoCall *call, FunctionCallInfo fcinfo, int argno)
{
	NullableDatum *arg = &fcinfo->args[argno];

	if (unlikely(call->is_sampled[argno]) && !arg->isnull)
		return stash_hash_to_uuid(stash_hash_sampled_value(call->argtypes[argno],
														   call->is_cstring[argno] ?
														   CStringGetTextDatum(DatumGetCString(arg->value)) :
														   arg->value));
	if (unlikely(call->sql_argno == argno) && !arg->isnull)
		return CStringGetTextDatum(stash_memo_normal_query(TextDatumGetCString(arg->value)));
	if (unlikely(call->is_cstring[argno]) && !arg->isnull)
		return CStringGetTextDatum(DatumGetCString(arg->value));
	return arg->value;
}

/*
 * Append the name of a type that a function is not declared to take, if it has
 * any: images have those of rows and domains in no other way, and functions that
 * are called for one need not be called for another.
 */
void
stash_memo_append_type(StringInfo out, int argno, StashType *type)
{
	if (type->frame_idlen != type->hash_idlen ||
		memcmp(type->frame_id, type->hash_id, type->hash_idlen) != 0)
		appendStringInfo(out, "type%d=%s ", argno + 1, stash_type_to_text(type));
}

/*
 * What names in the arguments mean, which come again after a rename, as OIDs;
 * and of which types the columns of records are.
 */
static char *
named_objects(StashMemoCall *call, FunctionCallInfo fcinfo)
{
	StringInfoData out;

	initStringInfo(&out);
	for (int i = 0; i < call->nargs; i++)
	{
		StashType  *type = call->argtypes[i];

		if (call->is_ignored[i] || fcinfo->args[i].isnull)
			continue;
		if (type->kind == STASH_KIND_RECORD)
			stash_memo_append_type(&out, i, stash_type_of_row(fcinfo->args[i].value));
		if (type->has_oids)
			appendStringInfoString(&out, stash_image_oids(type, fcinfo->args[i].value));
	}
	return out.data;
}

/*
 * Make the key of a call whose call->identity is current.
 *
 * What outgrows the key's own buffer is allocated in the current context.
 * Returns STASH_MEMO_TOO_LARGE when the arguments are: then there is no key.
 */
StashMemoReason
stash_memo_key(StashMemoKey *key, StashMemoCall *call, FunctionCallInfo fcinfo)
{
	key->sink.buf = key->local;
	key->sink.used = 0;
	key->sink.cap = sizeof(key->local);
	key->sink.overflow = overflow_key;
	key->identity = &call->identity;
	/* else the search will tell */
	key->replaces = stash_memo_mode == STASH_MEMO_MODE_REFRESH;
	key->flies = false;
	key->is_too_large = false;
	stash_sink_put(&key->sink, call->identity.prefix.data,
				   sizeof(call->identity.prefix.data));
	for (int i = 0; i < call->nargs; i++)
	{
		if (likely(!call->is_ignored[i]))
			stash_hash_put_value(&key->sink,
								 unlikely(call->is_sampled[i]) ?
								 stash_memo_key_type(call, i) : call->argtypes[i],
								 key_argument(call, fcinfo, i),
								 fcinfo->args[i].isnull, NULL);
	}
	if (unlikely(call->has_names) && !key->is_too_large)
	{
		char	   *objects = named_objects(call, fcinfo);

		stash_sink_put(&key->sink, objects, strlen(objects));
		pfree(objects);
	}
	if (key->is_too_large)
		return STASH_MEMO_TOO_LARGE;
	key->hash = stash_hash_bytes128(key->sink.buf, key->sink.used);
	return STASH_MEMO_FINE;
}

/*
 * The key as it stands in the stash: the frame of a row of the arguments and,
 * last, the text of the identity, with what names in the arguments mean.
 */
bytea *
stash_memo_key_frame(const StashMemoKey *key, StashMemoCall *call,
					 FunctionCallInfo fcinfo)
{
	Datum		values[FUNC_MAX_ARGS + 1];
	bool		nulls[FUNC_MAX_ARGS + 1];
	char	   *context;
	int			n = 0;

	for (int i = 0; i < call->nargs; i++)
	{
		if (call->is_ignored[i])
			continue;
		values[n] = key_argument(call, fcinfo, i);
		nulls[n++] = fcinfo->args[i].isnull;
	}
	context = call->has_names ? named_objects(call, fcinfo) : "";
	if (*context != '\0')
		context = psprintf("%s objects=%s", key->identity->text, context);
	else
		context = key->identity->text;
	values[n] = CStringGetTextDatum(context);
	nulls[n] = false;
	return stash_frame_make_row(call->keytype, values, nulls,
								STASH_CODEC_NONE);
}

/* ---- times that depend on now ---- */

/*
 * Whether a text is a date or a time that means another one tomorrow.
 *
 * Of words that are none of dates one may be the abbreviation of a zone.
 */
bool
stash_memo_is_relative_time(char *text)
{
	char		work[MAXDATELEN + MAXDATEFIELDS];
	char	   *fields[MAXDATEFIELDS];
	int			types[MAXDATEFIELDS];
	int			nfields;
	int			unknown = 0;
	bool		found = false;

	if (ParseDateTime(text, work, sizeof(work), fields, types, MAXDATEFIELDS,
					  &nfields) != 0)
		return false;
	for (int i = 0; i < nfields; i++)
	{
		int			value;
		int			type;

		if (types[i] != DTK_STRING)
			continue;
		type = DecodeSpecial(i, fields[i], &value);
		if (type == UNKNOWN_FIELD)
			unknown++;
		else if (type == RESERV &&
				 (value == DTK_NOW || value == DTK_TODAY ||
				  value == DTK_TOMORROW || value == DTK_YESTERDAY))
			found = true;
	}
	return found && unknown <= 1;
}

/*
 * Whether an argument of a call that is a text may be read as such a time.
 */
bool
stash_memo_has_relative_time(const StashMemoCall *call, FunctionCallInfo fcinfo)
{
	for (int i = 0; i < call->nargs; i++)
	{
		const StashType *type = call->argtypes[i];
		char		category;
		bool		is_preferred;

		if (fcinfo->args[i].isnull)
			continue;
		if (call->is_cstring[i])
		{
			if (stash_memo_is_relative_time(DatumGetCString(fcinfo->args[i].value)))
				return true;
			continue;
		}
		get_type_category_preferred(type->oid, &category, &is_preferred);
		if (category != TYPCATEGORY_STRING)
			continue;
		if (stash_memo_is_word(type->oid, fcinfo->args[i].value))
			return true;
	}
	return false;
}
