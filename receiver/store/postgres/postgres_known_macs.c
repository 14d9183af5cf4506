/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/store/postgres/postgres_store.h"
#include "receiver/store/schema_devices_lost.h"

#include <stdio.h>
#include <string.h>

/*
 * MACs that need no look-up: those that an earlier transaction, or this one, has found in Devices.
 * They are valid for one version of Devices, which each transaction reads as it begins: the table,
 * its triggers that mark deletions, and these marks. Another version, a missing or disabled
 * trigger, and a rollback, which may take back rows that it had found, forget all. So does a
 * trigger of somebody else, which may delete a row when another is inserted, and a table that
 * inherits from Devices, of which look-ups find rows that no trigger watches.
 *
 * Inserted rows are not added until a look-up finds them.
 */

#define MARKS "key > '" SCHEMA_DEVICES_LOST "' AND key < 'devices_lost!'"
#define IS_OURS                                                                                    \
    "tgenabled = 'A' AND"                                                                          \
    " tgname IN ('SyncHub_deleted', 'SyncHub_renamed', 'SyncHub_truncated')"

sh_err store_postgres_known_prepare(store_postgres *s, sh_error *error)
{
    return store_postgres_prepare(
        s, POSTGRES_BEGUN,
        "SELECT (SELECT value FROM \"SyncHub_Meta\" WHERE key = 'generation'),"
        " (SELECT string_agg(concat_ws('.', tgrelid, oid, xmin), ' ' ORDER BY oid) FROM pg_trigger"
        " WHERE tgrelid = to_regclass('\"Devices\"') AND NOT tgisinternal"
        " HAVING count(*) = 3 AND count(*) FILTER (WHERE " IS_OURS ") = 3 AND NOT EXISTS"
        " (SELECT 1 FROM pg_inherits WHERE inhparent = to_regclass('\"Devices\"'))) || ' ' ||"
        " (SELECT coalesce(sum(hashtextextended(key, 0)), 0) FROM \"SyncHub_Meta\" WHERE " MARKS
        ")",
        NULL, 0, error);
}

void store_postgres_known_begin(store_postgres *s, const char *version)
{
    s->trusts_known = version != NULL && strlen(version) < sizeof s->known_version;
    if (!s->trusts_known)
        version = "";
    if (strcmp(version, s->known_version) == 0)
        return;
    known_macs_clear(&s->known);
    (void)snprintf(s->known_version, sizeof s->known_version, "%s", version);
}

void store_postgres_known_add(store_postgres *s, const sh_mac *mac)
{
    if (s->trusts_known)
        (void)known_macs_add(&s->known, mac);
}

bool store_postgres_known_has(const store_postgres *s, const sh_mac *mac)
{
    return s->trusts_known && known_macs_has(&s->known, mac);
}

void store_postgres_known_end(store_postgres *s, bool committed)
{
    s->trusts_known = false;
    if (!committed)
        known_macs_clear(&s->known);
}

/* The new mark changes the version, as a receiver may not have seen those that are deleted. */
sh_err store_postgres_known_prune(store_postgres *s, sh_error *error)
{
    return store_postgres_exec(
        s,
        "WITH gone AS (DELETE FROM \"SyncHub_Meta\" WHERE " MARKS
        " AND (SELECT count(*) FROM \"SyncHub_Meta\" WHERE " MARKS ") > 1 RETURNING key)"
        " INSERT INTO \"SyncHub_Meta\"(key, value) SELECT " SCHEMA_DEVICES_LOST_MARK ", ''"
        " WHERE (SELECT count(*) FROM gone) > 0",
        "write to", NULL, error);
}
