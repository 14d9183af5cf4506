/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/merge/presence.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/limits.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CHANGES_AT_ONCE 16384 /* new rows that are collected before they are written */
#define CHANGES_BYTES_MAX                                                                          \
    (256 * SH_MIB) /* more than the texts of SH_PRESENCE_NODE_ROWS_MAX rows                        \
                    */

/* --- The devices of a table, by their keys --------------------------------------------------- */

#define NOT_HERE UINT32_MAX /* it is in another part of the table */

typedef struct {
    uint64_t key;   /* 0: free */
    uint32_t index; /* of the sighting, or NOT_HERE */
    bool stored;    /* the database has a row for it */
} place;

typedef struct {
    place *places;
    size_t size, count; /* size is a power of two; at most three quarters are taken */
} key_table;

static place *find_place(const key_table *t, uint64_t key)
{
    size_t at = (size_t)((key * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & (t->size - 1);
    while (t->places[at].key != 0 && t->places[at].key != key)
        at = (at + 1) & (t->size - 1);
    return &t->places[at];
}

/* Reserves space for more keys. */
static sh_err reserve_places(key_table *t, size_t more, sh_error *error)
{
    key_table larger = {.size = t->size == 0 ? 64 : t->size, .count = t->count};
    while (3 * larger.size < 4 * (t->count + more + 1))
        larger.size *= 2;
    if (larger.size == t->size)
        return SH_OK;
    larger.places = calloc(larger.size, sizeof larger.places[0]);
    if (larger.places == NULL)
        return sh_fail(error, SH_E_MEMORY, "no memory to compare which devices are present");
    for (size_t i = 0; i < t->size; i++)
        if (t->places[i].key != 0)
            *find_place(&larger, t->places[i].key) = t->places[i];
    free(t->places);
    *t = larger;
    return SH_OK;
}

/* The first of repeated keys counts. */
static void add_key(key_table *t, uint64_t key, uint32_t index)
{
    place *p = find_place(t, key);
    if (p->key != 0)
        return;
    *p = (place){.key = key, .index = index};
    t->count++;
}

/* --- The update ------------------------------------------------------------------------------ */

/* A row to write; its texts are in update.texts. */
typedef struct {
    store_presence row;
    size_t mac_at, ip_at;
} change;

typedef struct {
    const presence_table *table;
    key_table keys;
    bool is_whole;
    change *changes;
    size_t count, capacity;
    sh_buf texts;
    int64_t stored; /* rows of the node */
} update;

static void free_update(update *u)
{
    free(u->keys.places);
    free(u->changes);
    sh_buf_reset(&u->texts);
}

static sh_err no_memory(sh_error *error)
{
    return sh_fail(error, SH_E_MEMORY, "no memory to record which devices are present");
}

static sh_err add_change(update *u, const store_presence *row, sh_error *error)
{
    if (u->count == u->capacity) {
        size_t capacity = u->capacity == 0 ? 64 : 2 * u->capacity;
        change *changes = reallocarray(u->changes, capacity, sizeof *changes);
        if (changes == NULL)
            return no_memory(error);
        u->changes = changes;
        u->capacity = capacity;
    }
    change *c = &u->changes[u->count];
    *c = (change){.row = *row, .mac_at = u->texts.len};
    sh_err err = sh_buf_append(&u->texts, row->mac.data, row->mac.len);
    c->ip_at = u->texts.len;
    if (err == SH_OK)
        err = sh_buf_append(&u->texts, row->ip.data, row->ip.len);
    u->count += err == SH_OK;
    return err == SH_OK ? SH_OK : no_memory(error);
}

static store_present present_of(const sighting *one)
{
    switch ((sighting_kind)one->kind) {
    case SIGHTED_ABSENT:
        return STORE_ABSENT;
    case SIGHTED_NOT_KNOWN:
        return STORE_NOT_KNOWN;
    case SIGHTED_PRESENT:
    case SIGHTED_EARLIER:
        break;
    }
    return STORE_PRESENT;
}

/* Sets the state of a stored row; false if it is unchanged. */
static bool set_present(const update *u, store_presence *row, store_present present)
{
    if (row->present == present)
        return false;
    if (row->present == STORE_PRESENT && row->connected_ms < u->table->contact_ms)
        row->connected_ms = u->table->contact_ms;
    row->present = present;
    row->since_ms = u->table->now_ms;
    return true;
}

static bool is_equal(sh_slice a, sh_slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/* Compares a row of the database with the table. */
static sh_err compare_row(void *context, const store_presence *stored, sh_error *error)
{
    update *u = context;
    sh_mac mac;
    u->stored++;
    if (sh_mac_read(stored->mac, &mac, NULL) != SH_OK)
        return SH_OK; /* not one of ours */
    place *p = find_place(&u->keys, sighting_key(&mac));
    store_presence row = *stored;
    if (p->key == 0)
        return u->is_whole && set_present(u, &row, STORE_ABSENT) ? add_change(u, &row, error)
                                                                 : SH_OK;
    p->stored = true;
    const sightings *from = u->table->from;
    if (p->index == NOT_HERE || from->rows[p->index].kind == SIGHTED_EARLIER)
        return SH_OK;
    const sighting *one = &from->rows[p->index];
    sh_slice ip = sighting_ip(from, one);
    bool moved = ip.len > 0 && !is_equal(ip, row.ip);
    if (moved)
        row.ip = ip;
    return set_present(u, &row, present_of(one)) || moved ? add_change(u, &row, error) : SH_OK;
}

/* A node's time, interpreted as this hub's local time, as in its tables; 0 if it is invalid. */
static int64_t read_time(sh_slice text, int64_t now_ms)
{
    char room[24] = "";
    struct tm parts = {.tm_isdst = -1};
    if (text.len == 0 || text.len >= sizeof room)
        return 0;
    memcpy(room, text.data, text.len);
    const char *end = strptime(room, "%Y-%m-%d %H:%M:%S", &parts);
    time_t seconds = end != NULL && *end == '\0' ? mktime(&parts) : 0;
    return seconds > 0 && seconds <= now_ms / 1000 ? (int64_t)seconds * 1000 : 0;
}

/* Writes the rows, and forgets them. */
static sh_err write_changes(store *s, update *u, sh_error *error)
{
    store_presence rows[STORE_ROWS_AT_ONCE];
    sh_err err = SH_OK;
    for (size_t at = 0, count = 0; at < u->count && err == SH_OK; at += count) {
        for (count = 0; count < STORE_ROWS_AT_ONCE && at + count < u->count; count++) {
            const change *c = &u->changes[at + count];
            rows[count] = c->row;
            rows[count].mac.data = u->texts.data + c->mac_at;
            rows[count].ip.data = u->texts.data + c->ip_at;
        }
        err = store_presence_put(s, u->table->node, rows, count, error);
    }
    u->count = 0;
    sh_buf_clear(&u->texts);
    return err;
}

/* The devices that the node has not seen before; nothing reads the stored rows meanwhile. */
static sh_err add_new_rows(store *s, update *u, sh_error *error)
{
    const presence_table *t = u->table;
    sh_err err = SH_OK;
    for (size_t i = t->range.first; i < t->range.end && err == SH_OK; i++) {
        const sighting *one = &t->from->rows[i];
        const place *p = find_place(&u->keys, one->key);
        char room[SIGHTING_MAC_BYTES];
        if (p->stored || p->index != i || one->kind == SIGHTED_EARLIER)
            continue;
        const store_presence row = {
            .mac = sighting_mac(t->from, one, room),
            .present = present_of(one),
            .since_ms = t->now_ms,
            .first_seen_ms = t->now_ms,
            .connected_ms = read_time(sighting_time(t->from, one), t->now_ms),
            .ip = sighting_ip(t->from, one),
        };
        err = u->count < CHANGES_AT_ONCE ? SH_OK : write_changes(s, u, error);
        if (err == SH_OK)
            err = add_change(u, &row, error);
        u->stored += err == SH_OK;
    }
    return err;
}

static sh_err add_table(update *u, sh_error *error)
{
    const presence_table *t = u->table;
    sh_err err = reserve_places(&u->keys, t->range.end - t->range.first, error);
    for (size_t i = t->range.first; i < t->range.end && err == SH_OK; i++)
        add_key(&u->keys, t->from->rows[i].key, (uint32_t)i);
    return err;
}

static sh_err add_part_keys(void *context, sh_slice keys, sh_error *error)
{
    update *u = context;
    sh_err err = reserve_places(&u->keys, keys.len / SIGHTING_KEY_BYTES, error);
    for (size_t at = 0; err == SH_OK && at + SIGHTING_KEY_BYTES <= keys.len;
         at += SIGHTING_KEY_BYTES)
        add_key(&u->keys, sighting_key_read(keys.data + at), NOT_HERE);
    return err;
}

sh_err presence_update(store *s, const presence_table *table, sh_error *error)
{
    SH_CLEANUP(free_update)
    update u = {
        .table = table, .is_whole = table->is_whole, .texts = SH_BUF_INIT(CHANGES_BYTES_MAX)};
    sh_err err = add_table(&u, error);
    if (err == SH_OK && table->is_whole && table->last_part != NULL)
        err = store_part_keys(s, table->last_part, add_part_keys, &u, &u.is_whole, error);
    if (err == SH_OK)
        err = store_presence_read(s, table->node, compare_row, &u, error);
    if (err == SH_OK)
        err = add_new_rows(s, &u, error);
    if (err == SH_OK)
        err = write_changes(s, &u, error);
    if (err == SH_OK && u.stored > SH_PRESENCE_NODE_ROWS_MAX)
        err = store_presence_trim(s, table->node, u.stored - SH_PRESENCE_NODE_ROWS_MAX, error);
    return err;
}
