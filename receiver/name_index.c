/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/name_index.h"

#include "libcommon/crypto.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS (2 * SH_NAMES_KNOWN_MAX)

_Static_assert((SLOTS & (SLOTS - 1)) == 0, "slots are found by the lowest bits of a hash");

struct name_index {
    pthread_mutex_t lock;
    atomic_bool loaded;
    uint8_t seed[SH_KEY_BYTES]; /* so that nobody can choose names that meet */
    size_t count;
    char *names[SLOTS]; /* by hash; NULL: free */
};

sh_err name_index_new(name_index **ret, sh_error *error)
{
    name_index *ix = calloc(1, sizeof *ix);
    if (ix == NULL || pthread_mutex_init(&ix->lock, NULL) != 0) {
        free(ix);
        return sh_fail(error, SH_E_MEMORY, "no memory for the nodes' names");
    }
    sh_random(ix->seed, sizeof ix->seed);
    *ret = ix;
    return SH_OK;
}

void name_index_free(name_index *ix)
{
    if (ix == NULL)
        return;
    for (size_t i = 0; i < SLOTS; i++)
        free(ix->names[i]);
    (void)pthread_mutex_destroy(&ix->lock);
    free(ix);
}

/* The place of a name, or the free one where it belongs. At least half of all are free. */
static char **slot_of(name_index *ix, sh_slice name)
{
    uint8_t hash[16];
    size_t at;
    sh_keyed_hash(ix->seed, name, hash, sizeof hash);
    memcpy(&at, hash, sizeof at);
    for (at %= SLOTS; ix->names[at] != NULL; at = (at + 1) % SLOTS)
        if (sh_slice_equals(sh_slice_of(ix->names[at]), name))
            break;
    return &ix->names[at];
}

bool name_index_knows(name_index *ix, const char *node)
{
    (void)pthread_mutex_lock(&ix->lock);
    bool known = *slot_of(ix, sh_slice_of(node)) != NULL;
    (void)pthread_mutex_unlock(&ix->lock);
    return known;
}

static void add(name_index *ix, sh_slice name)
{
    (void)pthread_mutex_lock(&ix->lock);
    char **slot = slot_of(ix, name);
    if (*slot == NULL && ix->count < SH_NAMES_KNOWN_MAX) {
        *slot = strndup(name.data, name.len); /* without memory it is not known, for now */
        ix->count += *slot != NULL;
    }
    (void)pthread_mutex_unlock(&ix->lock);
}

void name_index_add(name_index *ix, const char *node)
{
    add(ix, sh_slice_of(node));
}

static sh_err add_contact(void *context, sh_slice node, sh_slice mode, int64_t ms, sh_error *error)
{
    (void)mode, (void)ms, (void)error;
    if (sh_node_name_check(node, NULL) == SH_OK)
        add(context, node);
    return SH_OK;
}

sh_err name_index_load(name_index *ix, sh_queue *queue, sh_error *error)
{
    if (name_index_is_loaded(ix))
        return SH_OK;
    sh_err err = sh_queue_contacts(queue, add_contact, ix, error);
    if (err == SH_OK)
        atomic_store(&ix->loaded, true);
    return err;
}

bool name_index_is_loaded(const name_index *ix)
{
    return atomic_load(&ix->loaded);
}
