/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/ingest/name_index.h"

#include "libcommon/base/node_name.h"
#include "libcommon/crypto/crypto.h"
#include "libcommon/native/name_lookalike.h"
#include "libcommon/runtime/log.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS (2 * SH_NAMES_KNOWN_MAX) /* so that at least half of them are free */
#define REPORTS_MAX 100                /* logged pairs of names that are easily confused */

_Static_assert((SLOTS & (SLOTS - 1)) == 0, "slots are found by the lowest bits of a hash");

/* Names by a key that several names may share; the first one is kept. */
typedef struct {
    uint64_t keys[SLOTS];
    const char *names[SLOTS]; /* NULL: free */
} key_table;

struct name_index {
    pthread_mutex_t lock;
    atomic_bool loaded;
    uint8_t seed[SH_KEY_BYTES]; /* secret, to prevent chosen collisions */
    size_t count, reports;
    char *names[SLOTS]; /* by hash; NULL: free */
    key_table drawn, small;
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

/* The slot of a name, or the free slot for it. */
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

/* Adds name under this key and returns NULL, or returns another name that has this key. */
static const char *note_key(key_table *table, uint64_t key, const char *name)
{
    size_t at = key % SLOTS;
    while (table->names[at] != NULL && table->keys[at] != key)
        at = (at + 1) % SLOTS;
    if (table->names[at] != NULL)
        return table->names[at];
    table->keys[at] = key;
    table->names[at] = name;
    return NULL;
}

static void report(name_index *ix, const char *name)
{
    sh_name_keys keys = sh_name_keys_of(sh_slice_of(name));
    const char *drawn = note_key(&ix->drawn, keys.glyph_first, name);
    const char *small = note_key(&ix->small, keys.case_first, name);
    const char *other = drawn != NULL ? drawn : small;
    if (other == NULL || ix->reports > REPORTS_MAX)
        return;
    if (ix->reports++ == REPORTS_MAX)
        sh_log_warning("more nodes than %d have names that are easily confused with others': "
                       "further ones are not reported",
                       REPORTS_MAX);
    else
        sh_log_event(
            SH_LOG_WARNING, SH_LOG_FIELDS(SH_LOG_NODE(name)),
            "the node's name is easily confused with that of node \"%s\": if they are one, "
            "set the same SYNC_node_name; if not, choose another, or give each "
            "credentials of its own (`synchub-receiver node add`)",
            other);
}

static void add(name_index *ix, sh_slice name)
{
    (void)pthread_mutex_lock(&ix->lock);
    char **slot = slot_of(ix, name);
    if (*slot == NULL && ix->count < SH_NAMES_KNOWN_MAX) {
        *slot = strndup(name.data, name.len); /* out of memory: not recorded this time */
        if (*slot != NULL) {
            ix->count++;
            report(ix, *slot);
        }
    }
    (void)pthread_mutex_unlock(&ix->lock);
}

bool name_index_knows(name_index *ix, const char *node)
{
    (void)pthread_mutex_lock(&ix->lock);
    bool known = *slot_of(ix, sh_slice_of(node)) != NULL;
    (void)pthread_mutex_unlock(&ix->lock);
    return known;
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
