/*-------------------------------------------------------------------------
 *
 * catalog.c
 *	  OIDs of the extension's own types.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "catalog.h"

/* 0: not looked up since the last change */
static Oid	entry_type;
static Oid	variant_type;

static void
forget_types(Datum arg, int cacheid, uint32 hashvalue)
{
	entry_type = InvalidOid;
	variant_type = InvalidOid;
}

/*
 * Register the callback; called once when the library is loaded.
 */
void
stash_catalog_init(void)
{
	CacheRegisterSyscacheCallback(TYPEOID, forget_types, (Datum) 0);
}

static Oid
find_type(const char *name)
{
	Oid			nsp = get_namespace_oid("stash", true);
	Oid			oid = GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid,
									  CStringGetDatum(name),
									  ObjectIdGetDatum(nsp));

	if (!OidIsValid(oid))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("type stash.%s does not exist", name),
				 errhint("Run CREATE EXTENSION pg_hashstash in this database.")));
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
		entry_type = find_type("entry");
	return entry_type;
}

/*
 * The OID of type stash.variant.  Throws as stash_catalog_entry_type().
 */
Oid
stash_catalog_variant_type(void)
{
	if (!OidIsValid(variant_type))
		variant_type = find_type("variant");
	return variant_type;
}

/*
 * The OID of the relation behind type stash.entry.
 */
Oid
stash_catalog_entry_relation(void)
{
	return get_typ_typrelid(stash_catalog_entry_type());
}
