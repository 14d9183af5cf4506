/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/merge/entry_decoder.h"

#include "libcommon/base/buffer.h"
#include "libcommon/base/limits.h"
#include "libcommon/netalertx/plugin_lines.h"
#include "receiver/merge/task_thread.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_AHEAD_MIN (64 * 1024) /* for smaller ones a thread is slower */
#define ROWS_AHEAD_MAX 32768       /* tables with more are not decoded ahead */
/* Larger buffers are freed after a merge; a buffer for decoding ahead grows up to this. */
#define TEXT_KEPT_MAX (TEXT_AHEAD_MAX + TEXT_AHEAD_MAX / 2)

typedef struct {
    const hub_secrets *keys;
    const queue_entry *entry;      /* NULL: none */
    char id[QUEUE_ENTRY_ID_BYTES]; /* the entry of this text; "" for none */
    sh_envelope_header header;
    sh_buf text;     /* reused for all entries */
    table_rows rows; /* of a device table */
    sh_err err;
    bool is_authentic; /* its tag was verified */
} opening;

/* An entry that is decoded in advance; without an entry it is free. */
typedef struct {
    opening opening;
    side_task task;
} early;

struct entry_decoder {
    opening now;
    early ahead[ENTRIES_AHEAD_MAX];
    opening *kept;
    size_t kept_count;
    task_thread *thread;
};

static void forget_text(opening *o)
{
    if (o->text.cap > TEXT_KEPT_MAX)
        sh_buf_wipe(&o->text);
    sh_buf_clear(&o->text);
    table_rows_clear(&o->rows);
    o->id[0] = '\0';
}

static void free_opening(opening *o)
{
    sh_buf_wipe(&o->text);
    table_rows_reset(&o->rows);
}

static sh_slice text_of(const opening *o)
{
    return (sh_slice){o->text.data == NULL ? "" : o->text.data, o->text.len};
}

static sh_err check_content(opening *o, size_t rows_max, sh_error *error)
{
    sh_slice text = text_of(o);
    return o->header.kind == SH_KIND_DEVICES ? table_rows_find(&o->rows, text, rows_max, error)
                                             : sh_plugin_text_check(text.data, text.len, error);
}

/*
 * The content is checked here, before a transaction: invalid content then costs no rollback, and a
 * table of which a piece was committed has no invalid rest.
 */
static sh_err open_entry(opening *o, size_t rows_max, sh_error *error)
{
    forget_text(o);
    o->header = (sh_envelope_header){0};
    o->is_authentic = false;
    (void)snprintf(o->id, sizeof o->id, "%s", o->entry->id);
    if (o->entry->envelope.len == 0)
        return sh_fail(error, SH_E_FORMAT, "the entry has no envelope");
    sh_err err = sh_envelope_peek(o->entry->envelope, &o->header, error);
    if (err != SH_OK)
        return err;
    sh_node_key key;
    sh_node_key_derive(o->keys->passphrase_key, sh_slice_of(o->header.node), &key);
    if (memcmp(key.id, o->header.key_id, sizeof key.id) != 0)
        (void)sh_fail(
            error, SH_E_CRYPTO,
            "it was sealed with another key, by a receiver or puller with another "
            "SYNC_encryption_key than this hub's or before the key was changed: `dead retry` it "
            "while the hub has the other key, or `dead drop` it and let the node send it again");
    err = sh_envelope_open(o->entry->envelope, &o->header, &key, &o->text, error);
    sh_wipe(&key, sizeof key);
    o->is_authentic = err != SH_E_CRYPTO && err != SH_E_MEMORY;
    return err == SH_OK ? check_content(o, rows_max, error) : err;
}

static void open_ahead(void *context)
{
    opening *o = context;
    o->err = open_entry(o, ROWS_AHEAD_MAX, NULL);
    if (o->err == SH_E_LIMIT)
        free_opening(o); /* the text will be decoded into another buffer */
}

sh_err entry_decoder_new(const hub_secrets *keys, bool ahead, entry_decoder **ret, sh_error *error)
{
    entry_decoder *o = calloc(1, sizeof *o);
    if (o == NULL)
        return sh_fail(error, SH_E_MEMORY, "no memory to open entries");
    o->now = (opening){.keys = keys, .text = SH_BUF_INIT(SH_PLAIN_MAX)};
    for (size_t i = 0; i < ENTRIES_AHEAD_MAX; i++)
        o->ahead[i] = (early){.opening = o->now,
                              .task = {.run = open_ahead, .context = &o->ahead[i].opening}};
    sh_err err = ahead ? task_thread_new(&o->thread, error) : SH_OK;
    if (err != SH_OK) {
        free(o);
        return err;
    }
    *ret = o;
    return SH_OK;
}

static void free_kept(entry_decoder *o)
{
    for (size_t i = 0; i < o->kept_count; i++)
        free_opening(&o->kept[i]);
    free(o->kept);
    o->kept = NULL;
    o->kept_count = 0;
}

void entry_decoder_free(entry_decoder *o)
{
    if (o == NULL)
        return;
    entry_decoder_rest(o);
    free_kept(o);
    task_thread_free(o->thread);
    free_opening(&o->now);
    for (size_t i = 0; i < ENTRIES_AHEAD_MAX; i++)
        free_opening(&o->ahead[i].opening);
    free(o);
}

/* Stops decoding an entry in advance. */
static void release(entry_decoder *o, early *e)
{
    if (e->opening.entry != NULL && !task_thread_take_back(o->thread, &e->task))
        task_thread_wait(o->thread, &e->task);
    e->opening.entry = NULL;
    forget_text(&e->opening);
}

void entry_decoder_rest(entry_decoder *o)
{
    for (size_t i = 0; i < ENTRIES_AHEAD_MAX; i++)
        release(o, &o->ahead[i]);
}

/* An entry that is merged in pieces is decoded once, unless another one comes in between. */
static bool has_open(const opening *o, const queue_entry *entry)
{
    return o->err == SH_OK && o->id[0] != '\0' && strcmp(o->id, entry->id) == 0;
}

static opening *find_kept(const entry_decoder *o, const queue_entry *entry)
{
    for (size_t i = 0; i < o->kept_count; i++)
        if (has_open(&o->kept[i], entry))
            return &o->kept[i];
    return NULL;
}

static early *find_ahead(entry_decoder *o, const queue_entry *entry)
{
    for (size_t i = 0; i < ENTRIES_AHEAD_MAX; i++)
        if (o->ahead[i].opening.entry == entry)
            return &o->ahead[i];
    return NULL;
}

/* Length of an entry's text, by its header; 0 if that is invalid. */
static size_t text_len_of(const queue_entry *entry)
{
    sh_envelope_header header;
    bool valid =
        entry->envelope.len > 0 && sh_envelope_peek(entry->envelope, &header, NULL) == SH_OK;
    return valid ? header.plain_len : 0;
}

static bool is_in(const entries_ahead *next, size_t count, const queue_entry *entry)
{
    for (size_t i = 0; i < count && next->all[i] != NULL; i++)
        if (next->all[i] == entry)
            return true;
    return false;
}

/*
 * Forgets what is not among the next entries any more. Returns how many of these may be decoded in
 * advance.
 */
static size_t choose_ahead(entry_decoder *o, const queue_entry *entry, const entries_ahead *next)
{
    bool large = text_len_of(entry) > TEXT_AHEAD_MAX;
    size_t count = large || o->thread == NULL ? 0 : ENTRIES_AHEAD_MAX;
    for (size_t i = 0; i < ENTRIES_AHEAD_MAX; i++) {
        early *e = &o->ahead[i];
        if (e->opening.entry != NULL && e->opening.entry != entry &&
            !is_in(next, count, e->opening.entry))
            release(o, e);
        if (large && e->opening.entry == NULL)
            free_opening(&e->opening);
    }
    return count;
}

static void start_ahead(entry_decoder *o, const entries_ahead *next, size_t count)
{
    for (size_t i = 0; i < count && next->all[i] != NULL; i++) {
        size_t len = text_len_of(next->all[i]);
        early *room = find_ahead(o, NULL);
        if (room == NULL)
            break;
        if (len < TEXT_AHEAD_MIN || len > TEXT_AHEAD_MAX || find_kept(o, next->all[i]) != NULL ||
            find_ahead(o, next->all[i]) != NULL)
            continue;
        room->opening.entry = next->all[i];
        task_thread_start(o->thread, &room->task);
    }
}

/* Decodes an entry that the thread was given; while it works on that, later ones. */
static void finish(entry_decoder *o, early *e, const entries_ahead *next)
{
    if (task_thread_take_back(o->thread, &e->task))
        side_task_run(&e->task);
    for (size_t i = 0; i < ENTRIES_AHEAD_MAX && next->all[i] != NULL; i++) {
        early *later = find_ahead(o, next->all[i]);
        if (task_thread_is_done(o->thread, &e->task))
            return;
        if (later != NULL && task_thread_take_back(o->thread, &later->task))
            side_task_run(&later->task);
    }
    task_thread_wait(o->thread, &e->task);
}

bool entry_decoder_is_foreign(const entry_decoder *o, const sh_envelope_header *header)
{
    sh_node_key key;
    sh_node_key_derive(o->now.keys->passphrase_key, sh_slice_of(header->node), &key);
    bool foreign = memcmp(key.id, header->key_id, sizeof key.id) != 0;
    sh_wipe(&key, sizeof key);
    return foreign;
}

bool entry_decoder_is_authentic(const entry_decoder *o)
{
    return o->now.is_authentic;
}

const table_rows *entry_decoder_rows(const entry_decoder *o)
{
    return &o->now.rows;
}

sh_err entry_decoder_ready(entry_decoder *o, const queue_entry *entry, sh_envelope_header *header,
                           sh_slice *text)
{
    opening *now = &o->now;
    entry_decoder_rest(o);
    if (!has_open(now, entry)) {
        now->entry = entry;
        now->err = open_entry(now, SH_ROWS_MAX, NULL);
    }
    *header = now->header;
    *text = text_of(now);
    return now->err;
}

sh_err entry_decoder_keep(entry_decoder *o, const queue_entry *const entries[], size_t count,
                          size_t rows_max, sh_error *error)
{
    size_t rows = 0;
    free_kept(o);
    o->kept = calloc(count + 1, sizeof *o->kept);
    if (o->kept == NULL)
        return sh_fail(error, SH_E_MEMORY, "no memory to open entries");
    o->kept_count = count;
    for (size_t i = 0; i < count; i++)
        o->kept[i] = (opening){.keys = o->now.keys,
                               .entry = entries[i],
                               .text = SH_BUF_INIT(SH_PLAIN_MAX),
                               .err = SH_E_LIMIT};
    for (size_t i = 0; i < count && rows <= rows_max; i++) {
        opening *one = &o->kept[i];
        one->err = open_entry(one, SH_ROWS_MAX, NULL);
        if (one->err == SH_E_MEMORY)
            return sh_fail(error, SH_E_MEMORY, "no memory to open entries");
        rows += one->rows.count;
        if (rows > rows_max) {
            free_opening(one);
            one->err = SH_E_LIMIT;
        }
    }
    return SH_OK;
}

kept_entry entry_decoder_kept(const entry_decoder *o, size_t i)
{
    const opening *one = &o->kept[i];
    if (one->err != SH_OK)
        return (kept_entry){.err = one->err};
    return (kept_entry){.header = one->header, .text = text_of(one), .rows = &one->rows};
}

static void swap_openings(opening *a, opening *b)
{
    opening former = *a;
    *a = *b;
    *b = former;
}

sh_err entry_decoder_decode(entry_decoder *o, const queue_entry *entry, const entries_ahead *next,
                            sh_envelope_header *header, sh_slice *text, sh_error *error)
{
    static const entries_ahead none = {{NULL}};
    if (next == NULL)
        next = &none;
    size_t ahead = choose_ahead(o, entry, next);
    if (!has_open(&o->now, entry)) {
        opening *ready = find_kept(o, entry);
        early *begun = find_ahead(o, entry);
        forget_text(&o->now);
        if (ready == NULL && begun != NULL) {
            finish(o, begun, next);
            ready = begun->opening.err == SH_OK ? &begun->opening : NULL;
        }
        if (ready != NULL) {
            swap_openings(&o->now, ready);
        } else { /* decode an entry that failed before again, for the reason */
            start_ahead(o, next, ahead);
            o->now.entry = entry;
            o->now.err = open_entry(&o->now, SH_ROWS_MAX, error);
        }
        if (begun != NULL)
            release(o, begun);
    }
    *header = o->now.header;
    *text = text_of(&o->now);
    start_ahead(o, next, ahead);
    return o->now.err;
}

void entry_decoder_forget(entry_decoder *o)
{
    entry_decoder_rest(o);
    forget_text(&o->now);
    free_kept(o);
}
