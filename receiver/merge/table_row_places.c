/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/merge/table_row_places.h"

#include "libcommon/base/limits.h"

#include <assert.h>
#include <stdlib.h>

#define PLACES_FIRST 512
#define PLACES_KEPT 32768 /* 1.2 MB */

static_assert(SH_PLAIN_MAX <= UINT32_MAX, "a position fits");

void table_rows_reset(table_rows *t)
{
    free(t->places);
    *t = (table_rows){.count = 0};
}

void table_rows_clear(table_rows *t)
{
    t->count = 0;
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

static row_place place_of(const char *text, const sh_table_row *row)
{
    return (row_place){
        .text = place_in(text, row->text),
        .mac = place_in(text, row->mac),
        .ip = place_in(text, row->state.last_ip),
        .connection = place_in(text, row->state.last_connection),
        .kind = (uint8_t)row->kind,
        .present = (uint8_t)row->state.present,
        .has_present_key = row->state.has_present_key,
        .unclear = row->state.unclear,
    };
}

sh_err table_rows_find(table_rows *t, sh_slice text, sh_error *error)
{
    sh_table_scan scan;
    bool more = true;
    table_rows_clear(t);
    sh_err err = sh_table_scan_init(&scan, text.data, text.len, error);
    while (err == SH_OK && more) {
        sh_table_row row;
        err = sh_table_scan_next(&scan, &row, &more, error);
        if (err != SH_OK || !more)
            break;
        if (t->count == t->capacity && !grow(t))
            err = sh_fail(error, SH_E_MEMORY, "no memory for the rows of a table");
        else
            t->places[t->count++] = place_of(text.data, &row);
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
                  .last_ip = slice_of(text, p->ip),
                  .last_connection = slice_of(text, p->connection),
                  .has_present_key = p->has_present_key,
                  .unclear = p->unclear},
    };
}
