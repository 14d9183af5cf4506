/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/merge/entry_decoder.h"

#include "libcommon/base/buffer.h"
#include "libcommon/base/limits.h"
#include "libcommon/netalertx/plugin_lines.h"
#include "receiver/merge/task_thread.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_AHEAD_MAX (16 * SH_MIB) /* larger texts are not decoded ahead */
#define TEXT_AHEAD_MIN (64 * 1024)   /* for smaller ones a thread is slower */
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

struct entry_decoder {
    opening now, ahead;
    opening *kept;
    size_t kept_count;
    task_thread *thread;
    side_task task;
};

static void forget_text(opening *o)
{
    if (o->text.cap > TEXT_KEPT_MAX)
        sh_buf_wipe(&o->text);
    sh_buf_clear(&o->text);
    table_rows_clear(&o->rows);
    o->id[0] = '\0';
}

static sh_slice text_of(const opening *o)
{
    return (sh_slice){o->text.data == NULL ? "" : o->text.data, o->text.len};
}

static sh_err check_content(opening *o, sh_error *error)
{
    sh_slice text = text_of(o);
    return o->header.kind == SH_KIND_DEVICES ? table_rows_find(&o->rows, text, error)
                                             : sh_plugin_text_check(text.data, text.len, error);
}

/*
 * The content is checked here, before a transaction: invalid content then costs no rollback, and a
 * table of which a piece was committed has no invalid rest.
 */
static sh_err open_entry(opening *o, sh_error *error)
{
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
    return err == SH_OK ? check_content(o, error) : err;
}

static void open_ahead(void *context)
{
    opening *o = context;
    o->err = open_entry(o, NULL);
}

sh_err entry_decoder_new(const hub_secrets *keys, entry_decoder **ret, sh_error *error)
{
    entry_decoder *o = calloc(1, sizeof *o);
    if (o == NULL)
        return sh_fail(error, SH_E_MEMORY, "no memory to open entries");
    o->now = (opening){.keys = keys, .text = SH_BUF_INIT(SH_PLAIN_MAX)};
    o->ahead = o->now;
    o->task = (side_task){.run = open_ahead, .context = &o->ahead};
    sh_err err = task_thread_new(&o->thread, error);
    if (err != SH_OK) {
        free(o);
        return err;
    }
    *ret = o;
    return SH_OK;
}

static void free_opening(opening *o)
{
    sh_buf_wipe(&o->text);
    table_rows_reset(&o->rows);
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
    free_opening(&o->ahead);
    free(o);
}

void entry_decoder_rest(entry_decoder *o)
{
    task_thread_wait_all(o->thread);
    o->ahead.entry = NULL;
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

static void start_ahead(entry_decoder *o, const queue_entry *next)
{
    sh_envelope_header header;
    if (next == NULL || next->envelope.len == 0 || find_kept(o, next) != NULL ||
        sh_envelope_peek(next->envelope, &header, NULL) != SH_OK ||
        header.plain_len < TEXT_AHEAD_MIN || header.plain_len > TEXT_AHEAD_MAX)
        return;
    o->ahead.entry = next;
    task_thread_start(o->thread, &o->task);
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
    task_thread_wait_all(o->thread);
    const opening *ready = &o->now;
    if (!has_open(&o->now, entry)) {
        forget_text(&o->now);
        forget_text(&o->ahead);
        o->ahead.entry = entry;
        o->ahead.err = open_entry(&o->ahead, NULL);
        ready = &o->ahead;
    }
    *header = ready->header;
    *text = text_of(ready);
    return ready->err;
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
        one->err = open_entry(one, NULL);
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

sh_err entry_decoder_decode(entry_decoder *o, const queue_entry *entry, const queue_entry *next,
                            sh_envelope_header *header, sh_slice *text, sh_error *error)
{
    task_thread_wait_all(o->thread);
    if (!has_open(&o->now, entry)) {
        opening *kept = find_kept(o, entry);
        forget_text(&o->now);
        if (kept != NULL) {
            swap_openings(&o->now, kept);
        } else if (o->ahead.entry == entry && o->ahead.err == SH_OK) {
            swap_openings(&o->now, &o->ahead);
        } else { /* decode an entry that failed in the thread again, for the reason */
            o->now.entry = entry;
            o->now.err = open_entry(&o->now, error);
        }
    }
    o->ahead.entry = NULL;
    forget_text(&o->ahead);
    *header = o->now.header;
    *text = text_of(&o->now);
    start_ahead(o, next);
    return o->now.err;
}

void entry_decoder_forget(entry_decoder *o)
{
    entry_decoder_rest(o);
    forget_text(&o->now);
    forget_text(&o->ahead);
    free_kept(o);
}
