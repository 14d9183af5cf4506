/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/merge/held_entries.h"

#include "libcommon/native/envelope.h"

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

size_t held_entries_pick(held_entries *h, size_t count_max, const char *ret[])
{
    if (h->count == 0)
        return 0;
    /* The first node after that of the last turn, in the order of the hashes. */
    uint64_t next = 0, lowest = UINT64_MAX;
    bool found = false;
    for (size_t i = 0; i < h->count; i++) {
        uint64_t node = h->entries[i].node;
        if (node > h->last_node && (!found || node < next)) {
            next = node;
            found = true;
        }
        lowest = node < lowest ? node : lowest;
    }
    h->last_node = found ? next : lowest;
    size_t count = 0;
    for (size_t i = 0; i < h->count && count < count_max; i++)
        if (h->entries[i].node == h->last_node)
            ret[count++] = h->entries[i].id;
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
