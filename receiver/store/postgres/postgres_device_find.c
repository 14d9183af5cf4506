/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/cleanup.h"
#include "receiver/store/postgres/postgres_array.h"
#include "receiver/store/postgres/postgres_device_keys.h"
#include "receiver/store/postgres/postgres_store.h"

#include <stdlib.h>
#include <string.h>

/*
 * Looks devices up by their keys. The answer has the places of those that are not there, which are
 * few: known devices cost no bytes.
 *
 * OFFSET 0 keeps the planner from making a join of it: a plan that was made while the table was
 * small might read all of a large one.
 */
sh_err store_postgres_find_prepare(store_postgres *s, sh_error *error)
{
    static const Oid keys[] = {POSTGRES_TYPE_TEXT_ARRAY};
    return store_postgres_prepare(
        s, POSTGRES_FIND_NEW,
        "SELECT k.place FROM unnest($1) WITH ORDINALITY AS k(mac, place) WHERE NOT EXISTS"
        " (SELECT 1 FROM \"Devices\" WHERE lower(\"devMac\") = k.mac OFFSET 0)",
        keys, 1, error);
}

static sh_err mark_new(store_postgres *s, const PGresult *result, size_t count, bool known[],
                       sh_error *error)
{
    for (int i = 0; i < PQntuples(result); i++) {
        unsigned long place = strtoul(PQgetvalue(result, i, 0), NULL, 10);
        if (place == 0 || place > count) /* not an answer of PostgreSQL */
            return sh_fail(error, SH_E_IO,
                           "the PostgreSQL database %s (SYNC_db) gave a wrong place", s->place);
        known[place - 1] = false;
    }
    return SH_OK;
}

sh_err store_postgres_find_known(store *base, const sh_mac *const macs[], size_t count,
                                 bool known[], sh_error *error)
{
    store_postgres *s = (store_postgres *)base;
    SH_CLEANUP(store_postgres_clear) PGresult *result = NULL;
    if (count == 0)
        return SH_OK;
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++)
        bytes += macs[i]->len;
    SH_CLEANUP(sh_free_cleanup) char *room = malloc(POSTGRES_ARRAY_BYTES(count, bytes));
    if (room == NULL)
        return sh_fail(error, SH_E_MEMORY, "out of memory: cannot look devices up");
    postgres_array array = postgres_array_begin(room, POSTGRES_TYPE_TEXT, count);
    for (size_t i = 0; i < count; i++) {
        char key[SH_MAC_MAX_BYTES];
        device_key_fold(macs[i], key);
        postgres_array_add(&array, (sh_slice){key, macs[i]->len});
        known[i] = true;
    }
    postgres_parameters p = {.count = 0};
    store_postgres_add_text(&p, postgres_array_bytes(&array));
    sh_err err = store_postgres_run(s, POSTGRES_FIND_NEW, &p, "read", &result, error);
    return err == SH_OK ? mark_new(s, result, count, known, error) : err;
}
