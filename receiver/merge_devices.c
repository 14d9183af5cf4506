/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/cleanup.h"
#include "libcommon/table_scan.h"
#include "receiver/merge_entry.h"

#include <stdlib.h>
#include <string.h>

#define CHUNK 256 /* rows that are looked up and inserted together */

/* Rows of a table on their way: first all with their MACs, then those whose MAC is not known. */
typedef struct {
    size_t count;
    int64_t numbers[CHUNK]; /* of the row in its table, from 1 */
    sh_slice texts[CHUNK];
    sh_mac macs[CHUNK];
    sh_device_row *rows[CHUNK]; /* those that had to be read to learn their MAC */
} chunk;

static void chunk_clear(chunk *c)
{
    for (size_t i = 0; i < c->count; i++) {
        sh_device_row_free(c->rows[i]);
        c->rows[i] = NULL;
    }
    c->count = 0;
}

static bool is_skipped(const sh_list *skip, const sh_mac *mac)
{
    for (size_t i = 0; i < skip->count; i++) {
        sh_mac one;
        bool good = sh_mac_read(sh_slice_of(skip->items[i]), &one, NULL) == SH_OK;
        if (good && sh_text_equals_ignoring_case(one.text, mac->text))
            return true;
    }
    return false;
}

/* A row that the reader refuses is set aside; only a lack of memory ends the entry. */
static sh_err read_row(const entry_merger *m, entry_result *result, sh_slice text, int64_t number,
                       sh_device_row **ret, sh_error *error)
{
    size_t count = 0;
    const sh_column *columns = store_columns(m->store, &count);
    sh_error reason = {0};
    sh_err err = sh_device_row_read(text, columns, count, sh_slice_of(result->header.node), m->now,
                                    ret, &reason);
    if (err == SH_E_MEMORY)
        return sh_fail(error, err, "%s", reason.message);
    if (err != SH_OK) {
        *ret = NULL;
        entry_set_aside(result, "row", number, reason.message);
    }
    return SH_OK;
}

/* Adds a scanned row to the chunk, or counts why it is not merged. */
static sh_err take_row(const entry_merger *m, entry_result *result, const sh_scan_row *scanned,
                       chunk *c, sh_error *error)
{
    int64_t number = ++result->rows;
    sh_error reason = {0};
    sh_mac mac;
    sh_device_row *row = NULL;
    switch (scanned->kind) {
    case SH_SCAN_NO_OBJECT:
        entry_set_aside(result, "row", number, "it is no JSON object");
        return SH_OK;
    case SH_SCAN_MAC_NONE:
        entry_set_aside(result, "row", number, "devMac is missing");
        return SH_OK;
    case SH_SCAN_MAC_TEXT:
        if (sh_mac_read(scanned->mac, &mac, &reason) != SH_OK) {
            entry_set_aside(result, "row", number, reason.message);
            return SH_OK;
        }
        break;
    case SH_SCAN_MAC_UNCLEAR: {
        sh_err err = read_row(m, result, scanned->text, number, &row, error);
        if (err != SH_OK || row == NULL)
            return err;
        mac = *sh_device_row_mac(row);
        break;
    }
    }
    if (is_skipped(m->skip_macs, &mac)) {
        result->skipped++;
        sh_device_row_free(row);
        return SH_OK;
    }
    c->numbers[c->count] = number;
    c->texts[c->count] = scanned->text;
    c->macs[c->count] = mac;
    c->rows[c->count] = row;
    c->count++;
    return SH_OK;
}

static sh_err insert_rows(const entry_merger *m, entry_result *result, const chunk *c,
                          store_insert inserts[], const size_t places[], size_t count,
                          sh_error *error)
{
    sh_err err = store_insert_devices(m->store, inserts, count, m->now, error);
    for (size_t i = 0; err == SH_OK && i < count; i++) {
        switch (inserts[i].outcome) {
        case STORE_INSERTED:
            result->inserted++;
            break;
        case STORE_KNOWN:
            result->known++;
            break;
        case STORE_REJECTED:
            entry_set_aside(result, "row", c->numbers[places[i]], inserts[i].reason);
            break;
        }
    }
    return err;
}

/* Looks all MACs of the chunk up, reads the unknown rows in full, and inserts them. */
static sh_err merge_chunk(const entry_merger *m, entry_result *result, chunk *c, sh_error *error)
{
    const sh_mac *macs[CHUNK];
    bool known[CHUNK] = {false};
    store_insert inserts[CHUNK];
    size_t places[CHUNK];
    size_t count = 0;
    for (size_t i = 0; i < c->count; i++)
        macs[i] = &c->macs[i];
    sh_err err = store_find_known(m->store, macs, c->count, known, error);
    for (size_t i = 0; err == SH_OK && i < c->count; i++) {
        if (known[i]) {
            result->known++;
            continue;
        }
        if (c->rows[i] == NULL)
            err = read_row(m, result, c->texts[i], c->numbers[i], &c->rows[i], error);
        if (err == SH_OK && c->rows[i] != NULL) {
            inserts[count] = (store_insert){.row = c->rows[i]};
            places[count++] = i;
        }
    }
    if (err == SH_OK && count > 0)
        err = insert_rows(m, result, c, inserts, places, count, error);
    chunk_clear(c);
    return err;
}

static sh_err record(const entry_merger *m, const char *mode, const entry_result *result,
                     sh_error *error)
{
    store_node node = {
        .merged_ms = m->now_ms,
        .sent = result->rows,
        .inserted = result->inserted,
        .known = result->known,
        .skipped = result->skipped,
        .set_aside = result->set_aside,
        .has_digest = true,
    };
    memcpy(node.node, result->header.node, sizeof node.node);
    memcpy(node.reason, result->reason, sizeof node.reason);
    memcpy(node.digest, result->header.digest, sizeof node.digest);
    memcpy(node.mode, mode, strlen(mode) + 1);
    return store_node_record(m->store, &node, error);
}

static void free_chunk(chunk **c)
{
    if (*c != NULL)
        chunk_clear(*c);
    free(*c);
}

sh_err entry_merge_devices(entry_merger *m, const char *mode, entry_result *result, sh_error *error)
{
    SH_CLEANUP(free_chunk) chunk *c = calloc(1, sizeof *c);
    if (c == NULL)
        return sh_fail(error, SH_E_MEMORY, "no memory to merge a table");
    sh_table_scan scan;
    sh_err err =
        sh_table_scan_init(&scan, m->text.data == NULL ? "" : m->text.data, m->text.len, error);
    for (bool more = true; err == SH_OK && more;) {
        sh_scan_row row;
        err = sh_table_scan_next(&scan, &row, &more, error);
        if (err == SH_OK && more)
            err = take_row(m, result, &row, c, error);
        if (err == SH_OK && (c->count == CHUNK || (!more && c->count > 0)))
            err = merge_chunk(m, result, c, error);
    }
    return err != SH_OK ? err : record(m, mode, result, error);
}
