/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/merge/entry_groups.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void entry_groups_init(entry_groups *g, size_t count)
{
    assert(count <= ENTRY_GROUPS_MAX);
    for (size_t i = 0; i < count; i++)
        g->leaders[i] = i;
}

size_t entry_groups_first(const entry_groups *g, size_t entry)
{
    while (g->leaders[entry] != entry)
        entry = g->leaders[entry];
    return entry;
}

void entry_groups_join(entry_groups *g, size_t a, size_t b)
{
    size_t first = entry_groups_first(g, a);
    size_t second = entry_groups_first(g, b);
    if (first < second)
        g->leaders[second] = first;
    else
        g->leaders[first] = second;
}

/* --- Devices that tables have in common ------------------------------------------------------ */

static sh_err reserve(table_keys *t, size_t count, sh_error *error)
{
    size_t capacity = t->capacity == 0 ? 256 : t->capacity;
    while (capacity < count)
        capacity *= 2;
    if (capacity == t->capacity)
        return SH_OK;
    table_key *keys = reallocarray(t->keys, capacity, sizeof *keys);
    if (keys == NULL)
        return sh_fail(error, SH_E_MEMORY, "no memory to compare tables");
    t->keys = keys;
    t->capacity = capacity;
    return SH_OK;
}

sh_err table_keys_add(table_keys *t, const table_key *key, sh_error *error)
{
    sh_err err = reserve(t, t->count + 1, error);
    if (err == SH_OK)
        t->keys[t->count++] = *key;
    return err;
}

sh_err table_keys_append(table_keys *t, const table_keys *more, size_t end, sh_error *error)
{
    sh_err err = reserve(t, t->count + more->count, error);
    for (size_t i = 0; err == SH_OK && i < more->count; i++)
        if (more->keys[i].entry < end)
            t->keys[t->count++] = more->keys[i];
    return err;
}

static int by_key_and_entry(const void *a, const void *b)
{
    const table_key *left = a;
    const table_key *right = b;
    int order = (left->key > right->key) - (left->key < right->key);
    return order != 0 ? order : (left->entry > right->entry) - (left->entry < right->entry);
}

void table_keys_sort(table_keys *t)
{
    if (t->count > 0)
        qsort(t->keys, t->count, sizeof t->keys[0], by_key_and_entry);
}

void table_keys_reset(table_keys *t)
{
    free(t->keys);
    *t = (table_keys){.count = 0};
}

bool table_keys_next_shared(const table_keys *t, const entry_groups *g, size_t *at, size_t *end)
{
    for (size_t i = *at; i < t->count; i = *end) {
        size_t group = entry_groups_first(g, t->keys[i].entry);
        bool shared = false;
        for (*end = i; *end < t->count && t->keys[*end].key == t->keys[i].key; ++*end)
            shared = shared || entry_groups_first(g, t->keys[*end].entry) != group;
        if (shared) {
            *at = i;
            return true;
        }
    }
    return false;
}
