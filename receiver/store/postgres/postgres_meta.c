/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/store/postgres/postgres_store.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/hex.h"

#include <stdio.h>
#include <stdlib.h>

/* Named values in SyncHub_Meta. */

sh_err store_postgres_rules_note(store *base, const uint8_t rules[static SH_DIGEST_BYTES],
                                 sh_error *error)
{
    char hex[SH_DIGEST_HEX_BYTES];
    sh_hex_encode(rules, SH_DIGEST_BYTES, hex);
    postgres_parameters p = {.count = 0};
    store_postgres_add_text(&p, sh_slice_of(hex));
    return store_postgres_query(
        (store_postgres *)base,
        "WITH changed AS (INSERT INTO \"SyncHub_Meta\" AS m(key, value) VALUES('rules', $1)"
        " ON CONFLICT(key) DO UPDATE SET value = excluded.value"
        " WHERE m.value IS DISTINCT FROM excluded.value RETURNING 1)"
        " UPDATE \"SyncHub_Nodes\" SET digest = NULL WHERE EXISTS (SELECT 1 FROM changed)",
        &p, "write to", NULL, error);
}

sh_err store_postgres_meta_get(store *base, const char *name, char ret[static STORE_META_BYTES],
                               sh_error *error)
{
    SH_CLEANUP(store_postgres_clear) PGresult *result = NULL;
    postgres_parameters p = {.count = 0};
    store_postgres_add_text(&p, sh_slice_of(name));
    sh_err err = store_postgres_query((store_postgres *)base,
                                      "SELECT value FROM \"SyncHub_Meta\" WHERE key = $1", &p,
                                      "read", &result, error);
    ret[0] = '\0';
    if (err == SH_OK && PQntuples(result) == 1)
        (void)snprintf(ret, STORE_META_BYTES, "%s", PQgetvalue(result, 0, 0));
    return err;
}

sh_err store_postgres_meta_write(store *base, const char *name, const char *value, sh_error *error)
{
    return store_postgres_meta_set(base, name, value, true, error);
}

sh_err store_postgres_meta_set(store *base, const char *name, const char *value, bool replace,
                               sh_error *error)
{
    postgres_parameters p = {.count = 0};
    store_postgres_add_text(&p, sh_slice_of(name));
    store_postgres_add_text(&p, sh_slice_of(value));
    return store_postgres_query(
        (store_postgres *)base,
        replace ? "INSERT INTO \"SyncHub_Meta\"(key, value) VALUES($1, $2) ON CONFLICT(key)"
                  " DO UPDATE SET value = excluded.value"
                : "INSERT INTO \"SyncHub_Meta\"(key, value) VALUES($1, $2) ON CONFLICT(key)"
                  " DO NOTHING",
        &p, "write to", NULL, error);
}

sh_err store_postgres_clock(store *base, int64_t *ret, sh_error *error)
{
    SH_CLEANUP(store_postgres_clear) PGresult *result = NULL;
    sh_err err = store_postgres_exec(
        (store_postgres *)base, "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint",
        "read", &result, error);
    *ret = err == SH_OK && PQntuples(result) == 1 ? strtoll(PQgetvalue(result, 0, 0), NULL, 10) : 0;
    return err;
}
