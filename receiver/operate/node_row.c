/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/operate/node_row.h"

#include <stdlib.h>
#include <string.h>

#define INDEX_FIRST 1024

/* Keyed: names of nodes are chosen by peers, and many are alike. */
static uint32_t hash_of(const node_overview *o, sh_slice name)
{
    return (uint32_t)sh_short_hash(o->hash_key, name);
}

/* The place of a row with this name, or a free one. Names are read only if their hashes match. */
static node_row_place *place_of(const node_overview *o, sh_slice name, uint32_t hash)
{
    size_t at = hash & (o->index_size - 1);
    for (;; at = (at + 1) & (o->index_size - 1)) {
        node_row_place *place = &o->index[at];
        if (place->position == 0 ||
            (place->hash == hash &&
             sh_slice_equals(sh_slice_of(o->rows[place->position - 1].info.node), name)))
            return place;
    }
}

static sh_err grow_index(node_overview *o, sh_error *error)
{
    size_t size = o->index_size == 0 ? INDEX_FIRST : 2 * o->index_size;
    node_row_place *index = calloc(size, sizeof *index);
    if (index == NULL)
        return sh_fail(error, SH_E_MEMORY, "out of memory");
    for (size_t i = 0; i < o->index_size; i++) {
        size_t at = o->index[i].hash & (size - 1);
        while (index[at].position != 0)
            at = (at + 1) & (size - 1);
        if (o->index[i].position != 0)
            index[at] = o->index[i];
    }
    free(o->index);
    o->index = index;
    o->index_size = size;
    return SH_OK;
}

static sh_err grow_rows(node_overview *o, sh_error *error)
{
    if (o->count < o->capacity)
        return SH_OK;
    size_t capacity = o->capacity == 0 ? 64 : 2 * o->capacity;
    node_row *rows = reallocarray(o->rows, capacity, sizeof *rows);
    if (rows == NULL)
        return sh_fail(error, SH_E_MEMORY, "out of memory");
    o->rows = rows;
    o->capacity = capacity;
    return SH_OK;
}

static node_row empty_row(const char *name)
{
    return (node_row){.info = {.node = name,
                               .mode = "",
                               .agent = "",
                               .protocol = "",
                               .instance = "",
                               .problem_kind = "",
                               .problem_text = "",
                               .conflict_text = "",
                               .labels = "",
                               .note = ""},
                      .merged = {.reason = ""},
                      .refused_from = ""};
}

static sh_err add_row(node_overview *o, sh_slice name, node_row_place *place, node_row **ret,
                      sh_error *error)
{
    const char *copy = NULL;
    sh_err err = grow_rows(o, error);
    if (err == SH_OK)
        err = node_row_text(o, name, &copy, error);
    if (err != SH_OK)
        return err;
    *ret = &o->rows[o->count++];
    *place = (node_row_place){hash_of(o, name), (uint32_t)o->count};
    **ret = empty_row(copy);
    return SH_OK;
}

sh_err node_row_of(node_overview *o, sh_slice name, bool create, node_row **ret, sh_error *error)
{
    *ret = NULL;
    if (name.len == 0 || name.len > SH_NODE_NAME_MAX)
        return SH_OK;
    if (2 * (o->count + 1) > o->index_size) {
        sh_err err = grow_index(o, error);
        if (err != SH_OK)
            return err;
    }
    node_row_place *place = place_of(o, name, hash_of(o, name));
    if (place->position != 0)
        *ret = &o->rows[place->position - 1];
    return place->position == 0 && create ? add_row(o, name, place, ret, error) : SH_OK;
}

sh_err node_row_text(node_overview *o, sh_slice text, const char **ret, sh_error *error)
{
    if (text.len == 0) {
        *ret = "";
        return SH_OK;
    }
    char *copy = sh_arena_take(&o->texts, text.len + 1);
    if (copy == NULL)
        return sh_fail(error, SH_E_MEMORY, "out of memory");
    memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    *ret = copy;
    return SH_OK;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const node_row *)a)->info.node, ((const node_row *)b)->info.node);
}

void node_rows_sort(node_overview *o)
{
    bool sorted = true;
    for (size_t i = 1; i < o->count && sorted; i++)
        sorted = by_name(&o->rows[i - 1], &o->rows[i]) < 0;
    if (!sorted)
        qsort(o->rows, o->count, sizeof o->rows[0], by_name);
    free(o->index); /* rows may have moved */
    o->index = NULL;
    o->index_size = 0;
}
