/*-------------------------------------------------------------------------
 *
 * catalog.c
 *	  OIDs of the extension's own types; the session's temporary objects; news
 *	  of relations; who wants to know what is read and called without a plan.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "access/transam.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "nodes/primnodes.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "catalog.h"
#include "compat.h"

StashCatalogReadNote stash_catalog_read_note;
StashCatalogCallNote stash_catalog_call_note;
StashCatalogTextNote stash_catalog_text_note;

/* 0: not looked up since the last change */
static Oid	entry_type;
static Oid	variant_type;
static Oid	digest_type;
static Oid	change_relation;
static Oid	change_index;
static Oid	note_function;

/* whether the session's temporary schema holds anything, if that is known */
static bool temporary_known;
static bool temporary_found;

/* what is called with each relcache message; filled when the library is loaded */
static RelcacheCallbackFunction listeners[12];
static int	nlisteners;

static uint64 news;				/* counts messages that have come */

/* the same of the server's caches */
typedef struct CacheListener
{
	int			cache;
	SyscacheCallbackFunction function;
} CacheListener;

static CacheListener cache_listeners[48];
static int	ncache_listeners;

static void
forget_types(Datum arg, int cacheid, uint32 hashvalue)
{
	entry_type = InvalidOid;
	variant_type = InvalidOid;
	digest_type = InvalidOid;
}

static void
forget_functions(Datum arg, int cacheid, uint32 hashvalue)
{
	note_function = InvalidOid;
}

static void
forget_relation(Datum arg, Oid relid)
{
	news++;
	temporary_known = false;
	if (!OidIsValid(relid) || relid == change_relation || relid == change_index)
	{
		change_relation = InvalidOid;
		change_index = InvalidOid;
	}
	for (int i = 0; i < nlisteners; i++)
		listeners[i] ((Datum) 0, relid);
}

/*
 * Have a function called with each relcache message, with the relation's OID,
 * or 0 when any may have changed.  The server has ten places for such
 * functions, for all extensions of a session: together we take one.
 */
void
stash_catalog_listen(RelcacheCallbackFunction listener)
{
	if (nlisteners >= lengthof(listeners))
		elog(ERROR, "too many listeners for changes of relations");
	listeners[nlisteners++] = listener;
}

static void
forget_cached(Datum arg, int cache, uint32 hashvalue)
{
	news++;
	for (int i = 0; i < ncache_listeners; i++)
	{
		if (cache_listeners[i].cache == cache)
			cache_listeners[i].function(arg, cache, hashvalue);
	}
}

/*
 * Have a function called with each message of one of the server's caches, as
 * CacheRegisterSyscacheCallback() does.  Of such functions the server has 64, half
 * of which are its own: for each cache we take one together.
 */
void
stash_catalog_listen_cache(int cache, SyscacheCallbackFunction listener)
{
	bool		is_first = true;

	if (ncache_listeners >= lengthof(cache_listeners))
		elog(ERROR, "too many listeners for changes of catalogs");
	for (int i = 0; i < ncache_listeners; i++)
		is_first &= cache_listeners[i].cache != cache;
	cache_listeners[ncache_listeners].cache = cache;
	cache_listeners[ncache_listeners++].function = listener;
	if (is_first)
		CacheRegisterSyscacheCallback(cache, forget_cached, (Datum) 0);
}

/*
 * A number that changes with each message of a relation, or of a cache that
 * somebody listens to.
 */
uint64
stash_catalog_news(void)
{
	return news;
}

/*
 * Register the callbacks; called once when the library is loaded.
 */
void
stash_catalog_init(void)
{
	stash_catalog_listen_cache(TYPEOID, forget_types);
	stash_catalog_listen_cache(PROCOID, forget_functions);
	CacheRegisterRelcacheCallback(forget_relation, (Datum) 0);
}

pg_noreturn static void
complain_missing(const char *what, const char *name)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("%s stash.%s does not exist", what, name),
			 errhint("Run CREATE EXTENSION pg_hashstash in this database.")));
}

static Oid
find_type(const char *name, bool missing_ok)
{
	Oid			nsp = get_namespace_oid("stash", true);
	Oid			oid = GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid,
									  CStringGetDatum(name),
									  ObjectIdGetDatum(nsp));

	if (!OidIsValid(oid) && !missing_ok)
		complain_missing("type", name);
	return oid;
}

/*
 * The OID of type stash.entry.  Throws 55000 when the extension is loaded but
 * not created in this database.
 */
Oid
stash_catalog_entry_type(void)
{
	if (!OidIsValid(entry_type))
		entry_type = find_type("entry", false);
	return entry_type;
}

/*
 * The OID of type stash.variant.  Where it does not exist, 0 if 'missing_ok',
 * else it throws as stash_catalog_entry_type().
 */
Oid
stash_catalog_variant_type(bool missing_ok)
{
	if (!OidIsValid(variant_type))
		variant_type = find_type("variant", missing_ok);
	return variant_type;
}

/*
 * The OID of type stash.digest, the target of the casts that are hash
 * strategies; 0 when the extension is loaded but not created here.
 */
Oid
stash_catalog_digest_type(void)
{
	if (!OidIsValid(digest_type))
		digest_type = find_type("digest", true);
	return digest_type;
}

/*
 * The OID of the relation behind type stash.entry.
 */
Oid
stash_catalog_entry_relation(void)
{
	return get_typ_typrelid(stash_catalog_entry_type());
}

static Oid
find_relation(const char *name)
{
	Oid			oid = get_relname_relid(name, get_namespace_oid("stash", true));

	if (!OidIsValid(oid))
		complain_missing("relation", name);
	return oid;
}

/*
 * The OID of table stash.change.  Throws 55000 where it does not exist.
 */
Oid
stash_catalog_change_relation(void)
{
	if (!OidIsValid(change_relation))
		change_relation = find_relation("change");
	return change_relation;
}

/*
 * The OID of its index on relation and place.  Throws the same.
 */
Oid
stash_catalog_change_index(void)
{
	if (!OidIsValid(change_index))
		change_index = find_relation("change_relation_place");
	return change_index;
}

/*
 * The OID of trigger function stash.note_change().  Throws the same.
 */
Oid
stash_catalog_note_function(void)
{
	if (!OidIsValid(note_function))
	{
		oidvector  *noargs = buildoidvector(NULL, 0);

		note_function = GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid,
										CStringGetDatum("note_change"),
										PointerGetDatum(noargs),
										ObjectIdGetDatum(get_namespace_oid("stash", true)));
		pfree(noargs);
		if (!OidIsValid(note_function))
			complain_missing("function", "note_change()");
	}
	return note_function;
}

/*
 * The name of a relation with its schema, quoted for statements; its OID where
 * there is none any more.
 */
char *
stash_catalog_relation_name(Oid relid)
{
	char	   *name = get_rel_name(relid);

	if (name == NULL)
		return psprintf("%u", relid);
	return quote_qualified_identifier(get_namespace_name(get_rel_namespace(relid)),
									  name);
}

/*
 * Whether the SQL objects of this database are of another version than this
 * library.  Reads the catalogs.
 */
bool
stash_catalog_is_other_version(void)
{
	Relation	pg_extension = table_open(ExtensionRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	bool		is_other = false;

	ScanKeyInit(&key, Anum_pg_extension_extname, BTEqualStrategyNumber, F_NAMEEQ,
				CStringGetDatum("pg_hashstash"));
	scan = systable_beginscan(pg_extension, ExtensionNameIndexId, true, NULL, 1,
							  &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		bool		isnull;
		Datum		version = heap_getattr(tuple, Anum_pg_extension_extversion,
										   RelationGetDescr(pg_extension), &isnull);

		is_other = strcmp(TextDatumGetCString(version),
						  CppAsString2(STASH_VERSION)) != 0;
	}
	systable_endscan(scan);
	table_close(pg_extension, AccessShareLock);
	return is_other;
}

static bool
namespace_holds_anything(Oid nsp)
{
	Relation	pg_depend = table_open(DependRelationId, AccessShareLock);
	ScanKeyData key[2];
	SysScanDesc scan;
	bool		found;

	ScanKeyInit(&key[0], Anum_pg_depend_refclassid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(NamespaceRelationId));
	ScanKeyInit(&key[1], Anum_pg_depend_refobjid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(nsp));
	scan = systable_beginscan(pg_depend, DependReferenceIndexId, true, NULL,
							  2, key);
	found = HeapTupleIsValid(systable_getnext(scan));
	systable_endscan(scan);
	table_close(pg_depend, AccessShareLock);
	return found;
}

/*
 * Whether this session has temporary tables, which stand before all others
 * of their names.
 */
bool
stash_catalog_has_temporary(void)
{
	Oid			nsp;
	Oid			toast;

	GetTempNamespaceState(&nsp, &toast);
	if (!OidIsValid(nsp))
		return false;
	if (!temporary_known)
	{
		/* first, for the look-up may let in news */
		temporary_known = true;
		temporary_found = namespace_holds_anything(nsp);
	}
	return temporary_found;
}

/*
 * Whether a parsed body or query, as the catalogs write it, asks for the time
 * or the name of the database or schema by what is no call of a function in
 * the end: the words of standard SQL, and age(), which the planner replaces by
 * one.  So does a plan; who asks for a role is in the key.
 */
bool
stash_catalog_asks_for_time(const char *tree)
{
	static const char word[] = "{SQLVALUEFUNCTION :op ";

	for (const char *at = tree; (at = strstr(at, word)) != NULL; at++)
	{
		int			op = atoi(at + strlen(word));

		if (op < SVFOP_CURRENT_ROLE || op > SVFOP_SESSION_USER)
			return true;
	}
	return strstr(tree, psprintf(":funcid %u ", F_AGE_TIMESTAMPTZ)) != NULL ||
		strstr(tree, psprintf(":funcid %u ", F_AGE_TIMESTAMP)) != NULL;
}

/* whether it calls a function of users, as 'field' has them */
static bool
calls_users(const char *tree, const char *field)
{
	while ((tree = strstr(tree, field)) != NULL)
	{
		tree += strlen(field);
		if (strtoul(tree, NULL, 10) >= FirstNormalObjectId)
			return true;
	}
	return false;
}

/*
 * Whether such a text asks who began the session, or may by what it calls or
 * reads.
 */
bool
stash_catalog_asks_for_session(const char *tree)
{
	return strstr(tree, psprintf("{SQLVALUEFUNCTION :op %d ", SVFOP_SESSION_USER)) != NULL ||
		strstr(tree, "{SUBLINK ") != NULL ||
		calls_users(tree, ":funcid ") || calls_users(tree, ":opfuncid ");
}
