/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/merge/table_row_places.h"

#include "libcommon/base/limits.h"

#include <assert.h>
#include <stdlib.h>

#define PLACES_FIRST 512
#define PLACES_KEPT 32768 /* 1.6 MB, and as much for their addresses at most */
#define IPS_MAX ((size_t)SH_ROWS_MAX * SH_PRESENCE_IP_MAX)

static_assert(SH_PLAIN_MAX <= UINT32_MAX && IPS_MAX <= UINT32_MAX, "a position fits");

void table_rows_reset(table_rows *t)
{
    free(t->places);
    sh_buf_reset(&t->ips);
    *t = (table_rows){.count = 0};
}

void table_rows_clear(table_rows *t)
{
    t->count = 0;
    sh_buf_clear(&t->ips);
    if (t->capacity > PLACES_KEPT)
        table_rows_reset(t);
}

static bool grow(table_rows *t)
{
    size_t capacity = t->capacity == 0 ? PLACES_FIRST : 2 * t->capacity;
    row_place *places = reallocarray(t->places, capacity, sizeof *places);
    if (places == NULL)
        return false;
    t->places = places;
    t->capacity = capacity;
    return true;
}

static text_place place_in(const char *text, sh_slice part)
{
    if (part.len == 0)
        return (text_place){.len = 0};
    return (text_place){.at = (uint32_t)(part.data - text), .len = (uint32_t)part.len};
}

/* Adds a row; false if there is no memory. */
static bool add_row(table_rows *t, sh_slice table, const sh_table_row *row)
{
    const char *text = table.data;
    sh_slice ip = row->state.last_ip;
    bool apart = ip.len <= SH_PRESENCE_IP_MAX && table.len <= TEXT_AHEAD_MAX;
    sh_mac mac;
    /* table_rows_mac() reports why one is invalid. */
    bool read = row->kind == SH_ROW_MAC_TEXT && sh_mac_read(row->mac, &mac, NULL) == SH_OK;
    if (t->count == t->capacity && !grow(t))
        return false;
    row_place *place = &t->places[t->count++];
    *place = (row_place){
        .text = place_in(text, row->text),
        .mac = place_in(text, row->mac),
        .ip = apart ? (text_place){(uint32_t)t->ips.len, (uint32_t)ip.len} : place_in(text, ip),
        .connection = place_in(text, row->state.last_connection),
        .mac_number = read ? mac.number : 0,
        .kind = (uint8_t)row->kind,
        .present = (uint8_t)row->state.present,
        .has_present_key = row->state.has_present_key,
        .unclear = row->state.unclear,
        .ip_is_apart = apart,
    };
    return !apart || ip.len == 0 || sh_buf_append(&t->ips, ip.data, ip.len) == SH_OK;
}

sh_err table_rows_find(table_rows *t, sh_slice text, size_t rows_max, sh_error *error)
{
    sh_table_scan scan;
    bool more = true;
    table_rows_clear(t);
    t->ips.limit = IPS_MAX;
    sh_err err = sh_table_scan_init(&scan, text.data, text.len, error);
    while (err == SH_OK && more) {
        sh_table_row row;
        err = sh_table_scan_next(&scan, &row, &more, error);
        if (err != SH_OK || !more)
            break;
        if (t->count == rows_max)
            err = sh_fail(error, SH_E_LIMIT, "the table has more than %zu rows", rows_max);
        else if (!add_row(t, text, &row))
            err = sh_fail(error, SH_E_MEMORY, "no memory for the rows of a table");
    }
    if (err != SH_OK)
        table_rows_clear(t);
    return err;
}

static sh_slice slice_of(const char *text, text_place place)
{
    return place.len == 0 ? SH_SLICE("") : (sh_slice){text + place.at, place.len};
}

sh_table_row table_rows_at(const table_rows *t, const char *text, size_t i)
{
    assert(i < t->count);
    const row_place *p = &t->places[i];
    return (sh_table_row){
        .text = slice_of(text, p->text),
        .mac = slice_of(text, p->mac),
        .kind = (sh_table_row_kind)p->kind,
        .state = {.present = (sh_row_present)p->present,
                  .last_ip = slice_of(p->ip_is_apart ? t->ips.data : text, p->ip),
                  .last_connection = slice_of(text, p->connection),
                  .has_present_key = p->has_present_key,
                  .unclear = p->unclear},
    };
}

sh_err table_rows_mac(const table_rows *t, const char *text, size_t i, sh_mac *ret, sh_error *error)
{
    assert(i < t->count);
    const row_place *p = &t->places[i];
    if (p->mac_number == 0)
        return sh_mac_read(slice_of(text, p->mac), ret, error);
    sh_mac_of_number(p->mac_number, ret);
    return SH_OK;
}
