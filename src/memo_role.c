/*-------------------------------------------------------------------------
 *
 * memo_role.c
 *	  What of a role decides what it may see.
 *
 * That of the roles that call is in the key, that of others by whose rights
 * something was read or ran, such as owners of views, in the proof.  No command
 * that changes a role fires an event trigger: the server's caches tell.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_auth_members.h"
#include "catalog/pg_authid.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/syscache.h"

#include "catalog.h"
#include "compat.h"
#include "hash.h"
#include "memo.h"

static uint64 generation = 1;

/* what was found of roles in this generation */
typedef struct RoleKnown
{
	Oid			role;			/* must be first */
	uint64		digest;
} RoleKnown;

static HTAB *roles_known;		/* NULL: none */

static void
forget_roles(Datum arg, int cacheid, uint32 hashvalue)
{
	generation++;
	if (roles_known != NULL)
		hash_destroy(roles_known);
	roles_known = NULL;
}

/*
 * Register the callbacks; called once when the library is loaded.
 */
void
stash_memo_role_init(void)
{
	stash_catalog_listen_cache(AUTHOID, forget_roles);
	stash_catalog_listen_cache(AUTHMEMROLEMEM, forget_roles);
	/* its owner is a member of pg_database_owner */
	stash_catalog_listen_cache(DATABASEOID, forget_roles);
	/* who was told before we were loaded nobody knows */
	if (IsTransactionState())
		generation++;
}

/*
 * A number that changes whenever a role or a membership may have changed.
 */
uint64
stash_memo_roles_generation(void)
{
	return generation;
}

/*
 * A memoized function is about to be called: where a role or a membership has
 * changed, have the server find out anew in which schemas of search_path the
 * user may look, which it does not by itself, and forget plans of before.
 */
void
stash_memo_roles_look_anew(void)
{
	static uint64 looked = 1;

	if (likely(looked == generation))
		return;
	looked = generation;
	CallSyscacheCallbacks(NAMESPACEOID, 0);
}

/* add to a list of OIDs the roles that 'role' is a member of, directly or not */
static List *
add_memberships(List *roles, Oid role)
{
	CatCList   *memberships = SearchSysCacheList1(AUTHMEMMEMROLE,
												  ObjectIdGetDatum(role));
	List	   *found = NIL;
	ListCell   *cell;

	for (int i = 0; i < memberships->n_members; i++)
	{
		HeapTuple	tuple = &memberships->members[i]->tuple;

		found = lappend_oid(found,
							((Form_pg_auth_members) GETSTRUCT(tuple))->roleid);
	}
	ReleaseSysCacheList(memberships);
	foreach(cell, found)
	{
		if (list_member_oid(roles, lfirst_oid(cell)))
			continue;
		roles = lappend_oid(roles, lfirst_oid(cell));
		roles = add_memberships(roles, lfirst_oid(cell));
	}
	return roles;
}

/*
 * Append a role by name and OID, with all that changes what it may see.
 */
void
stash_memo_append_role(StringInfo out, const char *what, Oid role)
{
	HeapTuple	tuple = SearchSysCache1(AUTHOID, ObjectIdGetDatum(role));
	List	   *memberships = add_memberships(NIL, role);
	ListCell   *cell;

	if (!HeapTupleIsValid(tuple))
	{
		appendStringInfo(out, "%s=?(%u) ", what, role);
		return;
	}
	appendStringInfo(out, "%s=%s(%u)%s%s%s", what,
					 quote_identifier(NameStr(((Form_pg_authid) GETSTRUCT(tuple))->rolname)),
					 role, superuser_arg(role) ? "+superuser" : "",
					 has_bypassrls_privilege(role) ? "+bypassrls" : "",
					 ((Form_pg_authid) GETSTRUCT(tuple))->rolinherit ? "" : "+noinherit");
	ReleaseSysCache(tuple);
	/* of this no row tells */
	if (!superuser_arg(role) && has_privs_of_role(role, ROLE_PG_DATABASE_OWNER))
		appendStringInfoString(out, "+database_owner");
	list_sort(memberships, list_oid_cmp);
	/* a member has the rights only if all on the way inherit them */
	foreach(cell, memberships)
		appendStringInfo(out, "%c%u",
						 has_privs_of_role(role, lfirst_oid(cell)) ? '+' : '-',
						 lfirst_oid(cell));
	appendStringInfoChar(out, ' ');
}

/*
 * A number for the same: for its name, too, which current_user returns.
 */
uint64
stash_memo_role_digest(Oid role)
{
	uint64		before = generation;
	RoleKnown  *known;
	StringInfoData text;
	uint64		digest;

	if (roles_known != NULL &&
		(known = hash_search(roles_known, &role, HASH_FIND, NULL)) != NULL)
		return known->digest;
	initStringInfo(&text);
	stash_memo_append_role(&text, "role", role);
	digest = stash_hash_bytes64(text.data, text.len, 0);
	pfree(text.data);
	/* reading may have let in news */
	if (before != generation)
		return digest;
	if (roles_known == NULL)
	{
		HASHCTL		ctl = {0};

		ctl.keysize = sizeof(Oid);
		ctl.entrysize = sizeof(RoleKnown);
		roles_known = hash_create("pg_hashstash roles", 16, &ctl,
								  HASH_ELEM | HASH_BLOBS);
	}
	known = hash_search(roles_known, &role, HASH_ENTER, NULL);
	known->digest = digest;
	return digest;
}
