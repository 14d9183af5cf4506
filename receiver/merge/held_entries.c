/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/merge/held_entries.h"

#include "libcommon/native/envelope.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ENTRIES_FIRST 64

void held_entries_free(held_entries *h)
{
    free(h->entries);
    *h = (held_entries){.entries = NULL};
}

bool held_entries_node_of(held_entries *h, const queue_entry *entry, uint64_t *ret)
{
    sh_envelope_header header;
    if (entry->envelope.len == 0 || sh_envelope_peek(entry->envelope, &header, NULL) != SH_OK)
        return false;
    if (!h->has_key)
        sh_random(h->key, sizeof h->key);
    h->has_key = true;
    *ret = sh_short_hash(h->key, sh_slice_of(header.node));
    return true;
}

bool held_entries_has_node(const held_entries *h, uint64_t node)
{
    for (size_t i = 0; i < h->count; i++)
        if (h->entries[i].node == node)
            return true;
    return false;
}

bool held_entries_find(const held_entries *h, const char *id, size_t *ret)
{
    for (size_t i = 0; i < h->count; i++)
        if (strcmp(h->entries[i].id, id) == 0) {
            *ret = i;
            return true;
        }
    return false;
}

bool held_entries_has_id(const held_entries *h, const char *id)
{
    size_t at;
    return held_entries_find(h, id, &at);
}

sh_err held_entries_add(held_entries *h, const queue_entry *entry, uint64_t node, sh_error *error)
{
    if (h->count == h->capacity) {
        size_t capacity = h->capacity == 0 ? ENTRIES_FIRST : 2 * h->capacity;
        held_entry *larger = reallocarray(h->entries, capacity, sizeof *larger);
        if (larger == NULL)
            return sh_fail(error, SH_E_MEMORY, "no memory to hold entries");
        h->entries = larger;
        h->capacity = capacity;
    }
    held_entry *added = &h->entries[h->count++];
    *added = (held_entry){.deliveries = entry->deliveries, .node = node};
    (void)snprintf(added->id, sizeof added->id, "%s", entry->id);
    return SH_OK;
}

/* The node after another one, in the order of the hashes; the lowest one after the last. */
static uint64_t next_node(const held_entries *h, uint64_t last)
{
    uint64_t next = 0, lowest = UINT64_MAX;
    bool found = false;
    for (size_t i = 0; i < h->count; i++) {
        uint64_t node = h->entries[i].node;
        if (node > last && (!found || node < next)) {
            next = node;
            found = true;
        }
        lowest = node < lowest ? node : lowest;
    }
    return found ? next : lowest;
}

/* The node's next entry from *at on, which is set to the one after it; NULL if there is none. */
static const char *next_of_node(const held_entries *h, uint64_t node, size_t *at)
{
    while (*at < h->count) {
        const held_entry *one = &h->entries[(*at)++];
        if (one->node == node)
            return one->id;
    }
    return NULL;
}

size_t held_entries_pick(held_entries *h, size_t nodes_max, size_t count_max, const char *ret[])
{
    uint64_t nodes[HELD_NODES_MAX] = {0};
    size_t ats[HELD_NODES_MAX] = {0};
    size_t nodes_count = 0;
    size_t count = 0;
    assert(nodes_max >= 1 && nodes_max <= HELD_NODES_MAX);
    if (h->count == 0)
        return 0;
    for (uint64_t node = next_node(h, h->last_node);
         nodes_count < nodes_max && (nodes_count == 0 || node != nodes[0]);
         node = next_node(h, node))
        nodes[nodes_count++] = node;
    h->last_node = nodes[0];
    for (bool any = true; any;) {
        any = false;
        for (size_t n = 0; n < nodes_count && count < count_max; n++) {
            const char *id = next_of_node(h, nodes[n], &ats[n]);
            if (id == NULL)
                continue;
            ret[count++] = id;
            any = true;
        }
    }
    return count;
}

void held_entries_remove(held_entries *h, const char *id)
{
    size_t at;
    if (!held_entries_find(h, id, &at))
        return;
    memmove(&h->entries[at], &h->entries[at + 1], (h->count - at - 1) * sizeof h->entries[0]);
    h->count--;
}
