/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/cleanup.h"
#include "libcommon/table_scan.h"
#include "receiver/merge_entry.h"
#include "receiver/row_reader.h"

#include <stdlib.h>
#include <string.h>

#define CHUNK 256          /* rows that are looked up, read and inserted together … */
#define CHUNK_BYTES SH_MIB /* … and no more once their texts have so many bytes */

/*
 * Rows of a table on their way: scanned, looked up, those that are new read in full, inserted.
 * While one chunk is read by the row reader's thread, the one before it is inserted.
 */
typedef struct {
    size_t count;           /* scanned rows */
    size_t bytes;           /* of their texts */
    int64_t numbers[CHUNK]; /* of the row in its table, from 1 */
    sh_slice texts[CHUNK];
    sh_mac macs[CHUNK];
    size_t unknown; /* of them, those whose MAC is not there */
    int64_t unknown_numbers[CHUNK];
    row_reader_row rows[CHUNK];
    row_reader_job job;
} chunk;

static void chunk_clear(chunk *c)
{
    for (size_t i = 0; i < c->unknown; i++) {
        sh_device_row_free(c->rows[i].ret);
        c->rows[i].ret = NULL;
    }
    c->count = 0;
    c->bytes = 0;
    c->unknown = 0;
}

static bool is_skipped(const sh_list *skip, const sh_mac *mac)
{
    for (size_t i = 0; i < skip->count; i++)
        if (sh_text_equals_ignoring_case(skip->items[i], mac->text))
            return true;
    return false;
}

/*
 * Learns the MAC of a row that the scan leaves unclear. *given is false where the row is set aside;
 * only a lack of memory is an error.
 */
static sh_err read_mac(const entry_merger *m, entry_result *result, sh_slice text, int64_t number,
                       sh_mac *ret, bool *given, sh_error *error)
{
    size_t count = 0;
    const sh_column *columns = store_columns(m->store, &count);
    sh_device_row *row = NULL;
    sh_error reason = {0};
    sh_err err = sh_device_row_read(text, columns, count, sh_slice_of(result->header.node), m->now,
                                    &row, &reason);
    if (err == SH_E_MEMORY)
        return sh_fail(error, err, "%s", reason.message);
    *given = err == SH_OK;
    if (*given)
        *ret = *sh_device_row_mac(row);
    else
        entry_set_aside(result, "row", number, reason.message);
    sh_device_row_free(row);
    return SH_OK;
}

/* Adds a scanned row to the chunk, or counts why it is not merged. */
static sh_err take_row(const entry_merger *m, entry_result *result, const sh_scan_row *scanned,
                       chunk *c, sh_error *error)
{
    int64_t number = ++result->rows;
    sh_error reason;
    sh_error_clear(&reason);
    sh_mac *mac = &c->macs[c->count];
    bool given = false;
    sh_err err = SH_OK;
    switch (scanned->kind) {
    case SH_SCAN_NO_OBJECT:
        entry_set_aside(result, "row", number, "it is no JSON object");
        break;
    case SH_SCAN_MAC_NONE:
        entry_set_aside(result, "row", number, "devMac is missing");
        break;
    case SH_SCAN_MAC_TEXT:
        given = sh_mac_read(scanned->mac, mac, &reason) == SH_OK;
        if (!given)
            entry_set_aside(result, "row", number, reason.message);
        break;
    case SH_SCAN_MAC_UNCLEAR:
        err = read_mac(m, result, scanned->text, number, mac, &given, error);
        break;
    }
    if (err != SH_OK || !given)
        return err;
    if (is_skipped(m->skip_macs, mac)) {
        result->skipped++;
        return SH_OK;
    }
    c->numbers[c->count] = number;
    c->texts[c->count] = scanned->text;
    c->count++;
    c->bytes += scanned->text.len;
    return SH_OK;
}

/* Scans the next rows into an empty chunk; *more is false once the table's end was met. */
static sh_err fill(const entry_merger *m, entry_result *result, sh_table_scan *scan, chunk *c,
                   bool *more, sh_error *error)
{
    while (c->count < CHUNK && c->bytes < CHUNK_BYTES) {
        sh_scan_row row;
        sh_err err = sh_table_scan_next(scan, &row, more, error);
        if (err == SH_OK && *more)
            err = take_row(m, result, &row, c, error);
        if (err != SH_OK || !*more)
            return err;
    }
    return SH_OK;
}

/* Looks all MACs of the chunk up and has the rows of those that are new read. */
static sh_err start_reading(const entry_merger *m, entry_result *result, chunk *c, sh_error *error)
{
    const sh_mac *macs[CHUNK];
    bool known[CHUNK] = {false};
    for (size_t i = 0; i < c->count; i++)
        macs[i] = &c->macs[i];
    sh_err err = store_find_known(m->store, macs, c->count, known, error);
    if (err != SH_OK)
        return err;
    for (size_t i = 0; i < c->count; i++) {
        if (known[i]) {
            result->known++;
            continue;
        }
        c->unknown_numbers[c->unknown] = c->numbers[i];
        c->rows[c->unknown].text = c->texts[i];
        c->rows[c->unknown++].ret = NULL;
    }
    c->job = (row_reader_job){.rows = c->rows,
                              .count = c->unknown,
                              .node = sh_slice_of(result->header.node),
                              .now = m->now};
    c->job.columns = store_columns(m->store, &c->job.columns_count);
    row_reader_start(m->reader, &c->job);
    return SH_OK;
}

static void count_outcome(entry_result *result, int64_t number, const store_insert *insert)
{
    switch (insert->outcome) {
    case STORE_INSERTED:
        result->inserted++;
        break;
    case STORE_KNOWN:
        result->known++;
        break;
    case STORE_REJECTED:
        entry_set_aside(result, "row", number, insert->reason);
        break;
    }
}

/* Inserts the rows of a chunk that was read, and empties it. */
static sh_err insert_rows(const entry_merger *m, entry_result *result, chunk *c, sh_error *error)
{
    store_insert inserts[CHUNK];
    int64_t numbers[CHUNK];
    size_t count = 0;
    sh_err err = SH_OK;
    for (size_t i = 0; err == SH_OK && i < c->unknown; i++) {
        const row_reader_row *row = &c->rows[i];
        if (row->ret != NULL) {
            numbers[count] = c->unknown_numbers[i];
            inserts[count++] = (store_insert){.row = row->ret};
        } else if (row->error.code == SH_E_MEMORY) {
            err = sh_fail(error, SH_E_MEMORY, "%s", row->error.message);
        } else {
            entry_set_aside(result, "row", c->unknown_numbers[i], row->error.message);
        }
    }
    if (err == SH_OK && count > 0)
        err = store_insert_devices(m->store, inserts, count, m->now, error);
    for (size_t i = 0; err == SH_OK && i < count; i++)
        count_outcome(result, numbers[i], &inserts[i]);
    chunk_clear(c);
    return err;
}

typedef struct {
    chunk chunks[2];
} chunk_pair;

static void free_pair(chunk_pair **pair)
{
    if (*pair != NULL) {
        chunk_clear(&(*pair)->chunks[0]);
        chunk_clear(&(*pair)->chunks[1]);
    }
    free(*pair);
}

sh_err entry_merge_devices(entry_merger *m, entry_result *result, sh_error *error)
{
    SH_CLEANUP(free_pair) chunk_pair *pair = calloc(1, sizeof *pair);
    if (pair == NULL)
        return sh_fail(error, SH_E_MEMORY, "no memory to merge a table");
    sh_table_scan scan;
    sh_err err =
        sh_table_scan_init(&scan, m->text.data == NULL ? "" : m->text.data, m->text.len, error);
    bool more = true;
    for (unsigned turn = 0; err == SH_OK && more; turn ^= 1) {
        chunk *coming = &pair->chunks[turn];
        err = fill(m, result, &scan, coming, &more, error);
        if (err == SH_OK)
            err = start_reading(m, result, coming, error);
        if (err == SH_OK)
            err = insert_rows(m, result, &pair->chunks[turn ^ 1], error);
        row_reader_wait(m->reader);
        if (err == SH_OK && !more)
            err = insert_rows(m, result, coming, error);
    }
    return err;
}
