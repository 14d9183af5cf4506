/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/merge/result_deduplication.h"

#include "receiver/store/store_common.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define LINES_FIRST 256

/* Both ids at the start of the line, `primary|secondary`: no field contains a bar. */
static sh_slice ids_of(const sh_plugin_line *line)
{
    const sh_slice *secondary = &line->field[SH_PLUGIN_SECONDARY_ID];
    return (sh_slice){line->text.data,
                      (size_t)(secondary->data + secondary->len - line->text.data)};
}

/* The slot of the ids, or a free slot for them. */
static size_t slot_of(const result_fold *fold, sh_slice ids, uint64_t hash)
{
    size_t at = (size_t)hash & (fold->slots_count - 1);
    for (; fold->slots[at] != 0; at = (at + 1) & (fold->slots_count - 1)) {
        const folded_line *line = &fold->lines[fold->slots[at] - 1];
        if (line->hash != hash || line->text.len <= ids.len)
            continue;
        /* Compares the bar after the ids, too, so that ids do not match a prefix. */
        if (memcmp(line->text.data, ids.data, ids.len) == 0 && line->text.data[ids.len] == '|')
            break;
    }
    return at;
}

static sh_err grow(result_fold *fold, sh_error *error)
{
    size_t capacity = fold->capacity == 0 ? LINES_FIRST : 2 * fold->capacity;
    folded_line *lines = reallocarray(fold->lines, capacity, sizeof *lines);
    if (lines != NULL)
        fold->lines = lines;
    uint32_t *slots = calloc(2 * capacity, sizeof *slots);
    if (lines == NULL || slots == NULL) {
        free(slots);
        return sh_fail(error, SH_E_MEMORY, "no memory to merge a plugin result");
    }
    if (fold->capacity == 0)
        sh_random(fold->key, sizeof fold->key);
    free(fold->slots);
    fold->slots = slots;
    fold->slots_count = 2 * capacity;
    fold->capacity = capacity;
    for (size_t i = 0; i < fold->count; i++) {
        size_t at = (size_t)fold->lines[i].hash & (fold->slots_count - 1);
        while (slots[at] != 0)
            at = (at + 1) & (fold->slots_count - 1);
        slots[at] = (uint32_t)i + 1;
    }
    return SH_OK;
}

/* Whether a line replaces an earlier one with the same ids. */
static bool is_newer(const folded_line *before, const sh_plugin_line *line, const char *now)
{
    sh_plugin_line old;
    char old_time[SH_DATETIME_BYTES], time[SH_DATETIME_BYTES];
    sh_plugin_line_split(before->text, &old);
    store_result_time(old.field[SH_PLUGIN_DATE_TIME], now, old_time);
    store_result_time(line->field[SH_PLUGIN_DATE_TIME], now, time);
    return strcmp(old_time, time) <= 0;
}

sh_err result_deduplication_add(result_fold *fold, const sh_plugin_line *line, const char *now,
                                sh_error *error)
{
    if (fold->count == fold->capacity) {
        sh_err err = grow(fold, error);
        if (err != SH_OK)
            return err;
    }
    sh_slice ids = ids_of(line);
    uint64_t hash = sh_short_hash(fold->key, ids);
    size_t at = slot_of(fold, ids, hash);
    if (fold->slots[at] == 0) {
        fold->lines[fold->count++] = (folded_line){.text = line->text, .hash = hash};
        fold->slots[at] = (uint32_t)fold->count;
        return SH_OK;
    }
    folded_line *before = &fold->lines[fold->slots[at] - 1];
    if (is_newer(before, line, now))
        before->text = line->text;
    return SH_OK;
}

void result_deduplication_at(const result_fold *fold, size_t index, sh_plugin_line *ret)
{
    assert(index < fold->count);
    sh_plugin_line_split(fold->lines[index].text, ret);
}

void result_deduplication_free(result_fold *fold)
{
    free(fold->lines);
    free(fold->slots);
    *fold = (result_fold){.lines = NULL};
}
