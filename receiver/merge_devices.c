/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/cleanup.h"
#include "libcommon/table_scan.h"
#include "receiver/merge_entry.h"
#include "receiver/side_thread.h"

#include <stdlib.h>
#include <string.h>

#define CHUNK 256          /* rows that are looked up, read and inserted together … */
#define CHUNK_BYTES SH_MIB /* … and no more once their texts have so many bytes */
#define CHUNKS 3           /* that are on their way at once */

#define ROWS_WORTH_A_THREAD 32 /* fewer are read at once: handing them over would take longer */

_Static_assert(CHUNKS <= SIDE_TASKS_MAX, "each may be read aside");

typedef struct {
    sh_slice text;
    int64_t number;     /* in its table, from 1 */
    sh_device_row *row; /* NULL where it cannot be read */
} new_row;

/*
 * Rows of a table on their way: scanned, looked up, those that are new read in full, inserted.
 * While one chunk is inserted, another is read by the side thread and one waits for it.
 */
typedef struct {
    const entry_merger *merger;
    const entry_result *result;
    size_t count;           /* scanned rows */
    size_t bytes;           /* of their texts */
    int64_t numbers[CHUNK]; /* of the row in its table, from 1 */
    sh_slice texts[CHUNK];
    sh_mac macs[CHUNK];
    size_t new_count; /* of them, those whose MAC is not there */
    new_row new[CHUNK];
    sh_arena rows; /* their memory */
    side_task reading;
} chunk;

static void chunk_clear(chunk *c)
{
    sh_arena_clear(&c->rows);
    c->count = 0;
    c->bytes = 0;
    c->new_count = 0;
}

static sh_err read_row(const entry_merger *m, const entry_result *result, sh_slice text,
                       sh_arena *arena, sh_device_row **ret, sh_error *error)
{
    size_t count = 0;
    const sh_column *columns = store_columns(m->store, &count);
    return sh_device_row_read(text, columns, count, sh_slice_of(result->header.node), m->now, arena,
                              ret, error);
}

/* A row that cannot be read stays NULL: who inserts asks for the reason. */
static void read_chunk(void *context)
{
    chunk *c = context;
    for (size_t i = 0; i < c->new_count; i++)
        (void)read_row(c->merger, c->result, c->new[i].text, &c->rows, &c->new[i].row, NULL);
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
    SH_CLEANUP(sh_arena_done) sh_arena arena = {NULL};
    sh_device_row *row = NULL;
    sh_error reason = {0};
    sh_err err = read_row(m, result, text, &arena, &row, &reason);
    if (err == SH_E_MEMORY)
        return sh_fail(error, err, "%s", reason.message);
    *given = err == SH_OK;
    if (*given)
        *ret = *sh_device_row_mac(row);
    else
        entry_set_aside(result, "row", number, reason.message);
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
        c->new[c->new_count++] = (new_row){.text = c->texts[i], .number = c->numbers[i]};
    }
    c->merger = m;
    c->result = result;
    c->reading = (side_task){.run = read_chunk, .context = c};
    if (c->new_count < ROWS_WORTH_A_THREAD)
        side_task_run(&c->reading);
    else
        side_thread_start(m->reader, &c->reading);
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

/* Inserts the rows of a chunk once they are read, and empties it. */
static sh_err insert_rows(const entry_merger *m, entry_result *result, chunk *c, sh_error *error)
{
    store_insert inserts[CHUNK];
    int64_t numbers[CHUNK];
    size_t count = 0;
    sh_err err = SH_OK;
    side_thread_wait(m->reader, &c->reading);
    for (size_t i = 0; err == SH_OK && i < c->new_count; i++) {
        new_row *new = &c->new[i];
        sh_error reason = {0};
        sh_err read = SH_OK;
        if (new->row == NULL)
            read = read_row(m, result, new->text, &c->rows, &new->row, &reason);
        if (read == SH_OK) {
            numbers[count] = new->number;
            inserts[count++] = (store_insert){.row = new->row};
        } else if (read == SH_E_MEMORY) {
            err = sh_fail(error, SH_E_MEMORY, "%s", reason.message);
        } else {
            entry_set_aside(result, "row", new->number, reason.message);
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
    chunk chunks[CHUNKS];
} chunk_ring;

static void free_ring(chunk_ring **ring)
{
    for (size_t i = 0; *ring != NULL && i < CHUNKS; i++)
        sh_arena_done(&(*ring)->chunks[i].rows);
    free(*ring);
}

sh_err entry_merge_devices(entry_merger *m, entry_result *result, sh_error *error)
{
    SH_CLEANUP(free_ring) chunk_ring *ring = calloc(1, sizeof *ring);
    if (ring == NULL)
        return sh_fail(error, SH_E_MEMORY, "no memory to merge a table");
    sh_table_scan scan;
    sh_err err = sh_table_scan_init(&scan, m->text.data, m->text.len, error);
    bool more = true;
    size_t begun = 0;
    size_t inserted = 0;
    while (err == SH_OK && (more || inserted < begun)) {
        if (more) {
            chunk *coming = &ring->chunks[begun++ % CHUNKS];
            err = fill(m, result, &scan, coming, &more, error);
            if (err == SH_OK)
                err = start_reading(m, result, coming, error);
        }
        if (err == SH_OK && (!more || begun - inserted == CHUNKS))
            err = insert_rows(m, result, &ring->chunks[inserted++ % CHUNKS], error);
    }
    side_thread_wait_all(m->reader);
    return err;
}
