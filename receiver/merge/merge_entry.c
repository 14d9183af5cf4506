/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/merge/merge_entry.h"

#include "libcommon/base/clock.h"
#include "libcommon/base/hex.h"
#include "libcommon/base/node_name.h"
#include "libcommon/os/file.h"
#include "libcommon/runtime/log.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define FILE_NAME_MAX 255 /* bytes, on Linux file systems */
#define NODE_HASH_BYTES 4 /* bytes of the hash in a file name */

void entry_keep_reason(entry_result *result, const char *what, int64_t number, const char *reason)
{
    size_t len = strlen(result->reason);
    size_t room = sizeof result->reason - len;
    char text[SH_ERROR_MESSAGE_BYTES + 48];
    int wanted = snprintf(text, sizeof text, "%s%s %" PRId64 ": %s", len == 0 ? "" : "; ", what,
                          number, reason);
    if (wanted > 0 && (size_t)wanted < room)
        (void)snprintf(result->reason + len, room, "%s", text);
    else if (len == 0) /* truncate only a single long reason, never earlier ones */
        (void)snprintf(result->reason, sizeof result->reason, "%.*s", (int)(room - 1), text);
}

void entry_set_aside(entry_result *result, const char *what, int64_t number, const char *reason)
{
    result->set_aside++;
    entry_keep_reason(result, what, number, reason);
}

static void free_fold(entry_merger *m)
{
    result_deduplication_free(&m->fold);
    m->fold_counts = (entry_result){.rows = 0};
    m->folded[0] = '\0';
}

/* Folds the result to one line for each pair of ids. */
static sh_err fold_lines(entry_merger *m, const queue_entry *entry, sh_error *error)
{
    entry_result *counts = &m->fold_counts;
    sh_plugin_lines lines;
    free_fold(m);
    sh_plugin_lines_init(&lines, m->text.data, m->text.len);
    for (;;) {
        sh_plugin_line line;
        sh_error reason = {0};
        bool more = false;
        sh_err err = sh_plugin_lines_next(&lines, &line, &more, &reason);
        if (!more)
            break;
        counts->rows++;
        if (err != SH_OK)
            entry_set_aside(counts, "line", (int64_t)lines.line, reason.message);
        else if ((err = result_deduplication_add(&m->fold, &line, m->now, error)) != SH_OK)
            return err;
    }
    if (lines.rest.len > 0)
        return sh_fail(error, SH_E_LIMIT, "the plugin result has more than %d lines",
                       SH_PLUGIN_LINES_MAX);
    (void)snprintf(m->folded, sizeof m->folded, "%s", entry->id);
    m->folded_text = m->text.data;
    return SH_OK;
}

void entry_prepared_free(entry_merger *m)
{
    free_fold(m);
    entry_decoder_forget(m->opener);
}

static bool is_folded(const entry_merger *m, const queue_entry *entry)
{
    return m->folded_text == m->text.data && strcmp(m->folded, entry->id) == 0;
}

sh_err entry_prepare(entry_merger *m, const queue_entry *entry, sh_error *error)
{
    sh_envelope_header header;
    if (entry_decoder_ready(m->opener, entry, &header, &m->text) != SH_OK)
        return SH_OK;
    bool result = header.kind == SH_KIND_PLUGIN;
    if (result && !is_folded(m, entry))
        (void)fold_lines(m, entry, NULL);
    if (m->last_result_files == NULL || strcmp(m->handed, entry->id) == 0)
        return SH_OK;
    sh_err err = result ? last_result_files_result(m->last_result_files, &header, m->text, error)
                        : last_result_files_table(m->last_result_files, &header, m->text,
                                                  m->skip_macs, error);
    if (err == SH_OK)
        (void)snprintf(m->handed, sizeof m->handed, "%s", entry->id);
    return err;
}

static sh_err put_lines(entry_merger *m, entry_result *result, sh_error *error)
{
    const result_fold *fold = &m->fold;
    result->rows = m->fold_counts.rows;
    result->set_aside = m->fold_counts.set_aside;
    memcpy(result->reason, m->fold_counts.reason, sizeof result->reason);
    while (result->next < fold->count && !result->is_piece) {
        sh_plugin_line chunk[STORE_ROWS_AT_ONCE];
        size_t count = 0;
        int64_t changed = 0;
        for (; result->next + count < fold->count && count < m->pace.rows; count++)
            result_deduplication_at(fold, result->next + count, &chunk[count]);
        const store_plugin_lines lines = {.plugin = result->header.plugin,
                                          .node = result->header.node,
                                          .now = m->now,
                                          .lines = chunk,
                                          .count = count};
        sh_err err = store_put_plugin_lines(m->store, &lines, &changed, error);
        if (err != SH_OK)
            return err;
        result->inserted += changed;
        result->next += count;
        result->is_piece = result->next < fold->count && entry_is_out_of_time(m);
    }
    result->known = result->rows - result->set_aside - result->inserted;
    return SH_OK;
}

/*
 * The node's name in a file name, of at most max bytes. A longer one is truncated at a character
 * and followed by a hash of the whole, so that it is unique.
 */
static void node_in_file_name(const char *node, size_t max, char ret[static SH_NODE_NAME_MAX + 1])
{
    uint8_t hash[16];
    char hex[2 * NODE_HASH_BYTES + 1];
    size_t len = strlen(node);
    if (len <= max) {
        (void)snprintf(ret, SH_NODE_NAME_MAX + 1, "%s", node);
        return;
    }
    sh_keyed_hash(NULL, sh_slice_of(node), hash, sizeof hash);
    sh_hex_encode(hash, NODE_HASH_BYTES, hex);
    for (len = max - strlen("~") - strlen(hex);
         len > 0 && ((unsigned char)node[len] & 0xc0) == 0x80;)
        len--;
    (void)snprintf(ret, SH_NODE_NAME_MAX + 1, "%.*s~%s", (int)len, node, hex);
}

/*
 * For a NetAlertX hub: last_result.<PLUGIN>.decoded.<node>.<n>.log, with n from the entry's id in
 * the stream, so that merging an entry again overwrites the same file.
 */
static sh_err write_out(entry_merger *m, const queue_entry *entry, const entry_result *result,
                        sh_error *error)
{
    int64_t ms = 0, seq = 0;
    const char *node = result->header.node;
    /*
     * Checked by ingest, too, but NetAlertX would read a file of an invalid name as a device table.
     */
    sh_err err = sh_plugin_name_check(sh_slice_of(result->header.plugin), error);
    if (err != SH_OK)
        return err;
    /* The id is Redis's own, two numbers of 64 bits. */
    /* NOLINTNEXTLINE(cert-err34-c) */
    if (sscanf(entry->id, "%" SCNd64 "-%" SCNd64, &ms, &seq) != 2)
        return sh_fail(error, SH_E_FORMAT, "the stream entry's id is invalid");
    char path[4096], number[48], part[SH_NODE_NAME_MAX + 1];
    (void)snprintf(number, sizeof number, "%" PRId64 "%03" PRId64, ms, seq);
    node_in_file_name(node,
                      FILE_NAME_MAX - strlen("last_result..decoded...log") -
                          strlen(result->header.plugin) - strlen(number),
                      part);
    int len = snprintf(path, sizeof path, "%s/last_result.%s.decoded.%s.%s.log", m->plugins_out,
                       result->header.plugin, part, number);
    if (len < 0 || (size_t)len >= sizeof path)
        return sh_fail(error, SH_E_CONFIG, "the path SYNC_plugins_out is too long");
    return sh_file_write(path, m->text, 0644, error);
}

sh_err entry_merge_plugin(entry_merger *m, const queue_entry *entry, entry_result *result,
                          sh_error *error)
{
    sh_err err = is_folded(m, entry) ? SH_OK : fold_lines(m, entry, error);
    entry_begins_work(m);
    if (err == SH_OK && m->pace.pauses) {
        /* NetAlertX creates its own rows from the file that was handed over. */
        result->rows = m->fold_counts.rows;
        result->set_aside = m->fold_counts.set_aside;
        memcpy(result->reason, m->fold_counts.reason, sizeof result->reason);
        return SH_OK;
    }
    if (err == SH_OK)
        err = put_lines(m, result, error);
    if (err == SH_OK && !result->is_piece && m->plugins_out[0] != '\0')
        err = write_out(m, entry, result, error);
    return err;
}

static entry_outcome outcome_of(sh_err err)
{
    switch (err) {
    case SH_OK:
        return ENTRY_MERGED;
    case SH_E_FORMAT:
    case SH_E_LIMIT:
    case SH_E_CRYPTO:
    case SH_E_REFUSED:
    case SH_E_UNSUPPORTED:
        return ENTRY_POISON;
    default: /* database, folder or memory of the hub: not the entry's fault */
        return ENTRY_STORE;
    }
}

bool entry_is_out_of_time(const entry_merger *m)
{
    return sh_clock_monotonic_ms() >= m->until_ms;
}

void entry_begins_work(entry_merger *m)
{
    int64_t least_ms = sh_clock_monotonic_ms() + m->pace.end_ms - m->pace.begin_ms;
    if (m->until_ms < least_ms)
        m->until_ms = least_ms;
}

static sh_err merge_table(entry_merger *m, entry_result *ret, sh_error *error)
{
    if (m->sightings == NULL)
        return entry_merge_devices(m, ret, error);
    ret->sighted = sightings_begin(m->sightings);
    sh_err err = entry_merge_devices(m, ret, error);
    if (err == SH_OK)
        sightings_end(m->sightings, &ret->sighted);
    else
        sightings_cut(m->sightings, &ret->sighted);
    return err;
}

static sh_err merge_content(entry_merger *m, const queue_entry *entry, entry_result *ret,
                            bool *seen, sh_error *error)
{
    store_item item = {.node = ret->header.node, .now_ms = m->now_ms};
    sh_item_key(&ret->header, item.id);
    sh_err err = store_item_note(m->store, &item, seen, error);
    if (err != SH_OK || *seen)
        return err;
    ret->is_piece = false;
    if (ret->header.kind == SH_KIND_DEVICES)
        err = merge_table(m, ret, error);
    else
        err = entry_merge_plugin(m, entry, ret, error);
    if (err == SH_OK && ret->is_piece)
        err = store_item_unnote(m->store, item.id, error);
    return err;
}

entry_outcome entry_merge(entry_merger *m, const queue_entry *entry, const entries_ahead *next,
                          entry_result *ret, sh_error *error)
{
    sh_err err = entry_decoder_decode(m->opener, entry, next, &ret->header, &m->text, error);
    ret->is_foreign = err == SH_E_CRYPTO && entry_decoder_is_foreign(m->opener, &ret->header);
    if (err != SH_OK) {
        ret->is_refused = outcome_of(err) == ENTRY_POISON && entry_decoder_is_authentic(m->opener);
        return outcome_of(err);
    }
    if (m->savepoints && store_savepoint(m->store, error) != SH_OK)
        return ENTRY_STORE;
    bool seen = false;
    err = merge_content(m, entry, ret, &seen, error);
    if (err == SH_OK && seen)
        return ENTRY_DUPLICATE;
    if (err == SH_OK)
        return ret->is_piece ? ENTRY_PIECE : ENTRY_MERGED;
    entry_outcome outcome = outcome_of(err);
    sh_error undo = {0};
    if (outcome != ENTRY_STORE && !m->savepoints)
        return ENTRY_NO_SAVEPOINT;
    if (outcome != ENTRY_STORE && store_undo_to_mark(m->store, &undo) != SH_OK)
        outcome = ENTRY_STORE;
    ret->is_refused = outcome == ENTRY_POISON;
    return outcome;
}
