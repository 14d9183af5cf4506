/* SPDX-License-Identifier: Apache-2.0 */
#include "puller/duplicate_names.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/native/name_lookalike.h"
#include "libcommon/runtime/log.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    uint64_t key;
    const named_node *node;
} keyed;

static int by_name(const void *a, const void *b)
{
    return strcmp(((const named_node *)a)->name, ((const named_node *)b)->name);
}

static int by_key(const void *a, const void *b)
{
    const keyed *x = a, *y = b;
    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    return by_name(x->node, y->node);
}

/* Reports each name that several nodes have, and returns one node of each name. */
static size_t report_same(const named_node nodes[], size_t count, const named_node *ret[])
{
    size_t names = 0;
    for (size_t i = 0, next; i < count; i = next) {
        for (next = i + 1; next < count && strcmp(nodes[next].name, nodes[i].name) == 0; next++)
            ;
        if (next - i > 1)
            sh_log_warning(
                "%zu nodes have the name \"%s\", among them %s and %s: give each a name of "
                "its own, with SYNC_node_name there or name=URL in SYNC_nodes here",
                next - i, nodes[i].name, nodes[i].url, nodes[i + 1].url);
        ret[names++] = &nodes[i];
    }
    return names;
}

static void report_alike(keyed names[], size_t count)
{
    qsort(names, count, sizeof names[0], by_key);
    for (size_t i = 0, next; i < count; i = next) {
        for (next = i + 1; next < count && names[next].key == names[i].key; next++)
            ;
        if (next - i > 1)
            sh_log_warning("%zu nodes have names that are easily confused, among them \"%s\" (%s) "
                           "and \"%s\" (%s): choose others",
                           next - i, names[i].node->name, names[i].node->url,
                           names[i + 1].node->name, names[i + 1].node->url);
    }
}

/* Keeps one of the names that share both keys: those were reported for the other key. */
static size_t leave_out_reported(keyed drawn[], size_t count)
{
    size_t kept = 0;
    uint64_t last = 0;
    qsort(drawn, count, sizeof drawn[0], by_key);
    for (size_t i = 0; i < count; i++) {
        uint64_t small = sh_name_keys_of(sh_slice_of(drawn[i].node->name)).case_first;
        if (kept > 0 && drawn[kept - 1].key == drawn[i].key && last == small)
            continue;
        drawn[kept++] = drawn[i];
        last = small;
    }
    return kept;
}

void duplicate_names_report(named_node nodes[], size_t count)
{
    if (count < 2)
        return;
    SH_CLEANUP(sh_free_cleanup)
    const named_node **names =
        calloc(count, sizeof(const named_node *)); /* NOLINT(bugprone-sizeof-expression) */
    SH_CLEANUP(sh_free_cleanup) keyed *drawn = calloc(count, sizeof *drawn);
    SH_CLEANUP(sh_free_cleanup) keyed *small = calloc(count, sizeof *small);
    if (names == NULL || drawn == NULL || small == NULL) {
        sh_log_warning("no memory to compare the names of %zu nodes", count);
        return;
    }
    qsort(nodes, count, sizeof nodes[0], by_name);
    size_t different = report_same(nodes, count, names);
    for (size_t i = 0; i < different; i++) {
        sh_name_keys keys = sh_name_keys_of(sh_slice_of(names[i]->name));
        drawn[i] = (keyed){keys.glyph_first, names[i]};
        small[i] = (keyed){keys.case_first, names[i]};
    }
    report_alike(small, different);
    report_alike(drawn, leave_out_reported(drawn, different));
}
