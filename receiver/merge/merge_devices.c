/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/cleanup.h"
#include "receiver/merge/merge_entry.h"
#include "receiver/merge/table_row_places.h"
#include "receiver/merge/task_thread.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK STORE_ROWS_AT_ONCE /* rows that are looked up, parsed and inserted together … */
#define CHUNK_BYTES SH_MIB       /* … up to this size of their texts */
#define CHUNKS 3                 /* in the pipeline */
#define CHUNK_ROWS_SEEN 4096     /* rows of one chunk, including skipped and rejected ones */

#define ROWS_WORTH_A_THREAD 32 /* fewer are parsed at once, as a thread would be slower */

_Static_assert(CHUNKS <= SIDE_TASKS_MAX, "the thread may have a task for each chunk");

typedef struct {
    size_t index;       /* in its chunk */
    sh_device_row *row; /* NULL if it is invalid */
} new_row;

/*
 * A chunk of a table's rows: they are looked up, new ones are parsed and inserted. While one chunk
 * is inserted, the task thread parses another and one waits for it.
 */
typedef struct {
    const entry_merger *merger;
    const char *node;
    entry_result counts;    /* results of its rows */
    size_t count;           /* rows that are looked up */
    size_t bytes;           /* size of their texts */
    int64_t numbers[CHUNK]; /* number of the row in its table, from 1 */
    sh_slice texts[CHUNK];
    sh_mac macs[CHUNK];
    sh_row_state states[CHUNK];
    size_t new_count; /* of these, rows with a new MAC */
    new_row new[CHUNK];
    sh_arena rows; /* memory of the parsed rows */
    side_task reading;
} chunk;

static void chunk_clear(chunk *c)
{
    sh_arena_clear(&c->rows);
    c->count = 0;
    c->bytes = 0;
    c->new_count = 0;
    c->counts = (entry_result){.rows = 0};
}

/* Adds the results of a chunk's rows to those of the entry. */
static void add_counts(entry_result *result, const entry_result *counts)
{
    result->rows += counts->rows;
    result->inserted += counts->inserted;
    result->known += counts->known;
    result->skipped += counts->skipped;
    result->set_aside += counts->set_aside;
    result->replaced += counts->replaced;
    size_t used = strlen(result->reason);
    size_t more = strlen(counts->reason);
    size_t joint = used == 0 ? 0 : 2;
    if (more == 0 || used + joint + more >= sizeof result->reason)
        return;
    memcpy(result->reason + used, "; ", joint);
    memcpy(result->reason + used + joint, counts->reason, more + 1);
}

static sh_err read_row(const entry_merger *m, const char *node, sh_slice text, sh_arena *arena,
                       sh_device_row **ret, sh_error *error)
{
    size_t count = 0;
    const sh_column *columns = store_columns(m->store, &count);
    return sh_device_row_read(
        text, &(sh_row_context){columns, count, sh_slice_of(node), m->now, arena}, ret, error);
}

/* An invalid row stays NULL; insert_rows() determines the reason. */
static void read_chunk(void *context)
{
    chunk *c = context;
    for (size_t i = 0; i < c->new_count; i++)
        (void)read_row(c->merger, c->node, c->texts[c->new[i].index], &c->rows, &c->new[i].row,
                       NULL);
}

/*
 * Gets the MAC of a row for which the scan is not sufficient. *given is false if the row is
 * rejected; the only error is a lack of memory.
 */
static sh_err read_mac(const entry_merger *m, chunk *c, sh_slice text, int64_t number, bool *given,
                       sh_error *error)
{
    SH_CLEANUP(sh_arena_reset) sh_arena arena = {NULL};
    sh_device_row *row = NULL;
    sh_error reason = {0};
    sh_err err = read_row(m, c->node, text, &arena, &row, &reason);
    if (err == SH_E_MEMORY)
        return sh_fail(error, err, "%s", reason.message);
    *given = err == SH_OK;
    if (*given)
        c->macs[c->count] = *sh_device_row_mac(row);
    else
        entry_set_aside(&c->counts, "row", number, reason.message);
    return SH_OK;
}

/* The rows of the entry's table that are not merged yet. */
typedef struct {
    const table_rows *rows;
    size_t next;
} rows_left;

/*
 * Adds the next row to the chunk, or counts why it is not merged. A row over a limit is rejected
 * only if it must be parsed, as its device is new: of a known device it still says that it is
 * there.
 */
static sh_err take_row(const entry_merger *m, rows_left *left, chunk *c, sh_error *error)
{
    size_t at = left->next++;
    int64_t number = (int64_t)left->next;
    const sh_table_row row = table_rows_at(left->rows, m->text.data, at);
    c->counts.rows++;
    sh_error reason;
    sh_error_clear(&reason);
    sh_mac *mac = &c->macs[c->count];
    bool given = false;
    sh_err err = SH_OK;
    switch (row.kind) {
    case SH_ROW_NOT_OBJECT:
        entry_set_aside(&c->counts, "row", number, "it is not a JSON object");
        break;
    case SH_ROW_MAC_NONE:
        entry_set_aside(&c->counts, "row", number, "devMac is missing");
        break;
    case SH_ROW_MAC_TEXT:
        given = table_rows_mac(left->rows, m->text.data, at, mac, &reason) == SH_OK;
        if (!given)
            entry_set_aside(&c->counts, "row", number, reason.message);
        break;
    case SH_ROW_MAC_UNCLEAR:
        err = read_mac(m, c, row.text, number, &given, error);
        break;
    }
    if (err != SH_OK || !given)
        return err;
    if (skip_rules_has(m->skip_macs, mac)) {
        c->counts.skipped++;
        return SH_OK;
    }
    c->numbers[c->count] = number;
    c->texts[c->count] = row.text;
    c->states[c->count] = row.state;
    if (m->sightings != NULL)
        err = sh_row_state_complete(row.text, &c->states[c->count], error);
    c->count++;
    c->bytes += row.text.len;
    return err;
}

/* Notes whether a device that is in the database now is present. */
static sh_err note_sighting(const entry_merger *m, const chunk *c, size_t i, sh_error *error)
{
    if (m->sightings == NULL)
        return SH_OK;
    return sightings_add(m->sightings, &c->macs[i], sighting_kind_of(&c->states[i]), &c->states[i],
                         error);
}

/* Adds the next rows to an empty chunk. */
static sh_err fill(const entry_merger *m, rows_left *left, chunk *c, sh_error *error)
{
    sh_err err = SH_OK;
    while (err == SH_OK && left->next < left->rows->count && c->count < m->pace.rows &&
           c->bytes < CHUNK_BYTES && c->counts.rows < CHUNK_ROWS_SEEN)
        err = take_row(m, left, c, error);
    return err;
}

/* Looks up all MACs of the chunk and starts parsing the rows with new ones. */
static sh_err start_reading(const entry_merger *m, chunk *c, sh_error *error)
{
    const sh_mac *macs[CHUNK];
    bool known[CHUNK] = {false};
    for (size_t i = 0; i < c->count; i++)
        macs[i] = &c->macs[i];
    sh_err err = store_find_known(m->store, macs, c->count, known, error);
    if (err != SH_OK)
        return err;
    for (size_t i = 0; i < c->count && err == SH_OK; i++) {
        if (known[i]) {
            c->counts.known++;
            err = note_sighting(m, c, i, error);
            continue;
        }
        if (!m->inserts) {
            c->counts.skipped++;
            continue;
        }
        c->new[c->new_count++] = (new_row){.index = i};
    }
    if (err != SH_OK)
        return err;
    c->merger = m;
    c->reading = (side_task){.run = read_chunk, .context = c};
    if (c->new_count < ROWS_WORTH_A_THREAD)
        side_task_run(&c->reading);
    else
        task_thread_start(m->reader, &c->reading);
    return SH_OK;
}

/* Counts the values of an inserted row that could not be stored, and records the first reasons. */
static void count_replaced(const entry_merger *m, entry_result *result, int64_t number,
                           const sh_device_row *row)
{
    size_t count = 0;
    char reason[SH_ROW_REPLACED_BYTES];
    const sh_column *columns = store_columns(m->store, &count);
    size_t replaced = sh_device_row_replaced(row, columns, reason);
    if (replaced > 0)
        entry_keep_reason(result, "row", number, reason);
    result->replaced += (int64_t)replaced;
}

static void count_outcome(const entry_merger *m, entry_result *result, int64_t number,
                          const store_insert *insert)
{
    switch (insert->outcome) {
    case STORE_INSERTED:
        result->inserted++;
        count_replaced(m, result, number, insert->row);
        break;
    case STORE_KNOWN:
        result->known++;
        break;
    case STORE_REJECTED:
        entry_set_aside(result, "row", number, insert->reason);
        break;
    }
}

/* Inserts the rows of a chunk once they are parsed, adds its counts, and empties it. */
static sh_err insert_rows(const entry_merger *m, entry_result *result, chunk *c, sh_error *error)
{
    store_insert inserts[CHUNK];
    size_t indexes[CHUNK];
    size_t count = 0;
    sh_err err = SH_OK;
    task_thread_wait(m->reader, &c->reading);
    for (size_t i = 0; err == SH_OK && i < c->new_count; i++) {
        new_row *new = &c->new[i];
        sh_error reason = {0};
        sh_err read = SH_OK;
        if (new->row == NULL)
            read = read_row(m, c->node, c->texts[new->index], &c->rows, &new->row, &reason);
        if (read == SH_OK) {
            indexes[count] = new->index;
            inserts[count++] = (store_insert){.row = new->row};
        } else if (read == SH_E_MEMORY) {
            err = sh_fail(error, SH_E_MEMORY, "%s", reason.message);
        } else {
            entry_set_aside(&c->counts, "row", c->numbers[new->index], reason.message);
        }
    }
    if (err == SH_OK && count > 0)
        err = store_insert_devices(m->store, inserts, count, m->now, error);
    for (size_t i = 0; err == SH_OK && i < count; i++) {
        count_outcome(m, &c->counts, c->numbers[indexes[i]], &inserts[i]);
        if (inserts[i].outcome != STORE_REJECTED)
            err = note_sighting(m, c, indexes[i], error);
    }
    if (err == SH_OK)
        add_counts(result, &c->counts);
    chunk_clear(c);
    return err;
}

typedef struct {
    chunk chunks[CHUNKS];
} chunk_ring;

static void free_ring(chunk_ring **ring)
{
    for (size_t i = 0; *ring != NULL && i < CHUNKS; i++)
        sh_arena_reset(&(*ring)->chunks[i].rows);
    free(*ring);
}

/*
 * Records that the device of the next row, which an earlier transaction merged or rejected, is in
 * the table.
 */
static sh_err note_earlier(const entry_merger *m, rows_left *left, sh_error *error)
{
    size_t at = left->next++;
    const sh_table_row row = table_rows_at(left->rows, m->text.data, at);
    SH_CLEANUP(sh_arena_reset) sh_arena arena = {NULL};
    sh_device_row *read = NULL;
    sh_mac mac = {.len = 0};
    sh_error reason = {0};
    sh_err err = SH_E_FORMAT;
    if (row.kind == SH_ROW_MAC_TEXT)
        err = table_rows_mac(left->rows, m->text.data, at, &mac, &reason);
    else if (row.kind == SH_ROW_MAC_UNCLEAR)
        err = read_row(m, "", row.text, &arena, &read, &reason);
    if (err == SH_E_MEMORY)
        return sh_fail(error, err, "%s", reason.message);
    if (err != SH_OK)
        return SH_OK;
    return sightings_add(m->sightings, read == NULL ? &mac : sh_device_row_mac(read),
                         SIGHTED_EARLIER, &row.state, error);
}

/* Skips the rows that earlier transactions have merged. */
static sh_err skip_merged(const entry_merger *m, rows_left *left, size_t count, sh_error *error)
{
    sh_err err = SH_OK;
    if (m->sightings == NULL)
        left->next = count;
    while (err == SH_OK && left->next < count)
        err = note_earlier(m, left, error);
    return err;
}

static sh_err merge_rows(entry_merger *m, entry_result *result, rows_left *left, chunk_ring *ring,
                         sh_error *error)
{
    sh_err err = SH_OK;
    bool more = true;
    size_t begun = 0;
    size_t inserted = 0;
    while (err == SH_OK && (more || inserted < begun)) {
        if (more) {
            chunk *coming = &ring->chunks[begun++ % CHUNKS];
            coming->node = result->header.node;
            err = fill(m, left, coming, error);
            if (err == SH_OK)
                err = start_reading(m, coming, error);
            more = left->next < left->rows->count;
        }
        if (err != SH_OK || (more && begun - inserted < CHUNKS))
            continue;
        err = insert_rows(m, result, &ring->chunks[inserted++ % CHUNKS], error);
        result->is_piece = err == SH_OK && (more || inserted < begun) && entry_is_out_of_time(m);
        if (result->is_piece)
            break; /* the next transaction reads the chunks in the pipeline again */
    }
    task_thread_wait_all(m->reader);
    return err;
}

sh_err entry_merge_devices(entry_merger *m, entry_result *result, sh_error *error)
{
    SH_CLEANUP(free_ring) chunk_ring *ring = calloc(1, sizeof *ring);
    if (ring == NULL)
        return sh_fail(error, SH_E_MEMORY, "no memory to merge a table");
    rows_left left = {.rows = entry_decoder_rows(m->opener)};
    sh_err err = skip_merged(m, &left, result->next, error);
    entry_begins_work(m);
    if (err == SH_OK)
        err = merge_rows(m, result, &left, ring, error);
    result->next = (size_t)result->rows;
    return err;
}
