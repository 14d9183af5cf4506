/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/cleanup.h"
#include "receiver/store/postgres/postgres_array.h"
#include "receiver/store/postgres/postgres_device_keys.h"
#include "receiver/store/postgres/postgres_store.h"

#include <stdlib.h>
#include <string.h>

/*
 * Looks devices up by their keys. The answer has the places of those that are not there, which are
 * few: known devices cost no bytes. Those that were found before need no look-up at all
 * (postgres_known_macs.c).
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

/* The devices that are looked up, by their places in the caller's list. */
typedef struct {
    const sh_mac *const *macs;
    const size_t *places;
    size_t count;
} sought_macs;

static const sh_mac *sought_at(const sought_macs *sought, size_t i)
{
    return sought->macs[sought->places[i]];
}

/* The keys as an array, in memory that the caller frees; NULL if there is none. */
static char *build_keys(const sought_macs *sought, sh_slice *ret)
{
    size_t bytes = 0;
    for (size_t i = 0; i < sought->count; i++)
        bytes += sought_at(sought, i)->len;
    char *room = malloc(POSTGRES_ARRAY_BYTES(sought->count, bytes));
    if (room == NULL)
        return NULL;
    postgres_array array = postgres_array_begin(room, POSTGRES_TYPE_TEXT, sought->count);
    for (size_t i = 0; i < sought->count; i++) {
        char key[SH_MAC_MAX_BYTES];
        const sh_mac *mac = sought_at(sought, i);
        device_key_fold(mac, key);
        postgres_array_add(&array, (sh_slice){key, mac->len});
    }
    *ret = postgres_array_bytes(&array);
    return room;
}

static sh_err take_new(store_postgres *s, const PGresult *result, const sought_macs *sought,
                       bool known[], sh_error *error)
{
    for (size_t i = 0; i < sought->count; i++)
        known[sought->places[i]] = true;
    for (int i = 0; i < PQntuples(result); i++) {
        unsigned long place = strtoul(PQgetvalue(result, i, 0), NULL, 10);
        if (place == 0 || place > sought->count) /* not an answer of PostgreSQL */
            return sh_fail(error, SH_E_IO,
                           "the PostgreSQL database %s (SYNC_db) gave a wrong place", s->place);
        known[sought->places[place - 1]] = false;
    }
    for (size_t i = 0; i < sought->count; i++)
        if (known[sought->places[i]])
            store_postgres_known_add(s, sought_at(sought, i));
    return SH_OK;
}

static sh_err look_up(store_postgres *s, const sought_macs *sought, bool known[], sh_error *error)
{
    SH_CLEANUP(store_postgres_clear) PGresult *result = NULL;
    postgres_parameters p = {.count = 0};
    sh_slice keys = SH_SLICE("");
    SH_CLEANUP(sh_free_cleanup) char *room = build_keys(sought, &keys);
    if (room == NULL)
        return sh_fail(error, SH_E_MEMORY, "out of memory: cannot look devices up");
    store_postgres_add_text(&p, keys);
    sh_err err = store_postgres_run(s, POSTGRES_FIND_NEW, &p, "read", &result, error);
    return err == SH_OK ? take_new(s, result, sought, known, error) : err;
}

sh_err store_postgres_find_known(store *base, const sh_mac *const macs[], size_t count,
                                 bool known[], sh_error *error)
{
    store_postgres *s = (store_postgres *)base;
    SH_CLEANUP(sh_free_cleanup) size_t *places = calloc(count + 1, sizeof *places);
    if (places == NULL)
        return sh_fail(error, SH_E_MEMORY, "out of memory: cannot look devices up");
    sought_macs sought = {.macs = macs, .places = places};
    for (size_t i = 0; i < count; i++) {
        known[i] = store_postgres_known_has(s, macs[i]);
        if (!known[i])
            places[sought.count++] = i;
    }
    return sought.count == 0 ? SH_OK : look_up(s, &sought, known, error);
}
