/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/operate/node_lookalikes.h"

#include "libcommon/base/node_name.h"
#include "libcommon/native/name_lookalike.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    uint64_t key;
    node_row *row;
} keyed_row;

static int by_key(const void *a, const void *b)
{
    const keyed_row *left = a, *right = b;
    if (left->key != right->key)
        return left->key < right->key ? -1 : 1;
    return strcmp(left->row->info.node, right->row->info.node);
}

static void find_lookalikes(keyed_row keyed[], size_t count)
{
    qsort(keyed, count, sizeof keyed[0], by_key);
    for (size_t i = 1; i < count; i++) {
        if (keyed[i].key != keyed[i - 1].key)
            continue;
        keyed[i].row->lookalike = keyed[i - 1].row->info.node;
        if (keyed[i - 1].row->lookalike == NULL)
            keyed[i - 1].row->lookalike = keyed[i].row->info.node;
    }
}

/* Names that were refused are not in use. */
static size_t read_keys(node_overview *o, keyed_row case_first[], keyed_row glyph_first[])
{
    size_t count = 0;
    for (size_t i = 0; i < o->count; i++) {
        sh_slice name = sh_slice_of(o->rows[i].info.node);
        if (o->rows[i].info.first_contact_ms == 0 || sh_node_name_check(name, NULL) != SH_OK)
            continue;
        sh_name_keys keys = sh_name_keys_of(name);
        case_first[count] = (keyed_row){keys.case_first, &o->rows[i]};
        glyph_first[count++] = (keyed_row){keys.glyph_first, &o->rows[i]};
    }
    return count;
}

sh_err node_lookalikes_find(node_overview *o, sh_error *error)
{
    size_t room = o->count + 1;
    keyed_row *keyed = calloc(2 * room, sizeof *keyed);
    if (keyed == NULL)
        return sh_fail(error, SH_E_MEMORY, "out of memory");
    size_t count = read_keys(o, keyed, keyed + room);
    find_lookalikes(keyed, count);
    find_lookalikes(keyed + room, count);
    free(keyed);
    return SH_OK;
}
