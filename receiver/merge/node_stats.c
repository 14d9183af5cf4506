/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/merge/node_stats.h"

#include "libcommon/base/cleanup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A table and its place in the order of the merges. */
typedef struct {
    const merged_table *table;
    size_t place;
} placed;

static int by_node_and_place(const void *a, const void *b)
{
    const placed *left = a;
    const placed *right = b;
    int order = strcmp(left->table->result->header.node, right->table->result->header.node);
    return order != 0 ? order : (left->place > right->place) - (left->place < right->place);
}

static sh_err record(store *s, const merged_table *table, int64_t now_ms, sh_error *error)
{
    entry_result *result = table->result;
    const sh_envelope_header *header = &result->header;
    bool pulled = sh_slice_equals(table->entry->mode, SH_SLICE("pull"));
    store_node node = {
        .merged_ms = now_ms,
        .sent = result->rows,
        .inserted = result->inserted - result->recorded,
        .known = result->known,
        .skipped = result->skipped,
        .set_aside = result->set_aside,
        .has_digest = true,
    };
    memcpy(node.node, result->header.node, sizeof node.node);
    memcpy(node.reason, result->reason, sizeof node.reason);
    memcpy(node.digest, result->header.digest, sizeof node.digest);
    memcpy(node.mode, pulled ? "pull" : "push", sizeof "pull");
    if (result->is_piece)
        return store_node_add(s, &node, error);
    if (header->parts > 1) {
        if (result->reason[0] != '\0')
            (void)snprintf(node.reason, sizeof node.reason, "part %u, %.*s", header->part + 1,
                           (int)sizeof node.reason - 20, result->reason);
        return store_part_record(s, &node, header->part, header->parts, &result->whole, error);
    }
    result->whole = true;
    return store_node_record(s, &node, error);
}

sh_err merge_record(store *s, const merged_table tables[], size_t count, int64_t now_ms,
                    sh_error *error)
{
    if (count == 0)
        return SH_OK;
    SH_CLEANUP(sh_free_cleanup) placed *order = calloc(count, sizeof *order);
    if (order == NULL)
        return sh_fail(error, SH_E_MEMORY, "no memory to record a merge");
    for (size_t i = 0; i < count; i++)
        order[i] = (placed){.table = &tables[i], .place = i};
    qsort(order, count, sizeof *order, by_node_and_place);
    sh_err err = SH_OK;
    for (size_t i = 0; i < count && err == SH_OK; i++)
        err = record(s, order[i].table, now_ms, error);
    return err;
}
