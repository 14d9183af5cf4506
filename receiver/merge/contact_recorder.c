/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/merge/contact_recorder.h"

#include "libcommon/base/clock.h"
#include "libcommon/base/limits.h"
#include "libcommon/crypto/crypto.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DUE_MAX 1024         /* nodes in one transaction */
#define STEP_MS 60000        /* minimum difference to the recorded contact */
#define SLOTS_FIRST 1024     /* a power of two, at most three quarters in use */
#define SLOTS_MAX (1U << 20) /* with more nodes, all are written again */

typedef struct {
    uint64_t node; /* hash of its name; 0: free */
    int64_t ms;    /* recorded */
} slot;

typedef struct {
    char node[SH_NODE_NAME_MAX + 1];
    uint64_t hash;
    int64_t ms;
} due_contact;

struct contact_recorder {
    uint8_t key[SH_SHORT_KEY_BYTES];
    slot *slots;
    size_t size, count;
    due_contact due[DUE_MAX];
    size_t due_count;
};

sh_err contact_recorder_new(contact_recorder **ret, sh_error *error)
{
    contact_recorder *r = calloc(1, sizeof *r);
    if (r != NULL)
        r->slots = calloc(SLOTS_FIRST, sizeof *r->slots);
    if (r == NULL || r->slots == NULL) {
        free(r);
        return sh_fail(error, SH_E_MEMORY, "no memory to record contacts");
    }
    r->size = SLOTS_FIRST;
    sh_random(r->key, sizeof r->key);
    *ret = r;
    return SH_OK;
}

void contact_recorder_free(contact_recorder *r)
{
    if (r == NULL)
        return;
    free(r->slots);
    free(r);
}

void contact_recorder_clear(contact_recorder *r)
{
    memset(r->slots, 0, r->size * sizeof *r->slots);
    r->count = 0;
}

static slot *find_slot(slot *slots, size_t size, uint64_t hash)
{
    size_t at = (size_t)hash & (size - 1);
    while (slots[at].node != 0 && slots[at].node != hash)
        at = (at + 1) & (size - 1);
    return &slots[at];
}

static void grow(contact_recorder *r)
{
    size_t size = 2 * r->size;
    slot *slots = size > SLOTS_MAX ? NULL : calloc(size, sizeof *slots);
    if (slots == NULL) {
        contact_recorder_clear(r);
        return;
    }
    for (size_t i = 0; i < r->size; i++)
        if (r->slots[i].node != 0)
            *find_slot(slots, size, r->slots[i].node) = r->slots[i];
    free(r->slots);
    r->slots = slots;
    r->size = size;
}

static void note_recorded(contact_recorder *r, const due_contact *contact)
{
    if (4 * (r->count + 1) > 3 * r->size)
        grow(r);
    slot *s = find_slot(r->slots, r->size, contact->hash);
    r->count += s->node == 0;
    *s = (slot){.node = contact->hash, .ms = contact->ms};
}

static sh_err add_due(void *context, sh_slice node, sh_slice mode, int64_t ms, sh_error *error)
{
    contact_recorder *r = context;
    (void)mode;
    (void)error;
    uint64_t hash = sh_short_hash(r->key, node) | 1;
    const slot *recorded = find_slot(r->slots, r->size, hash);
    if (r->due_count == DUE_MAX || node.len > SH_NODE_NAME_MAX ||
        (recorded->node != 0 && llabs(ms - recorded->ms) < STEP_MS))
        return SH_OK;
    due_contact *due = &r->due[r->due_count++];
    *due = (due_contact){.hash = hash, .ms = ms};
    (void)snprintf(due->node, sizeof due->node, "%.*s", (int)node.len, node.data);
    return SH_OK;
}

static int by_node(const void *a, const void *b)
{
    return strcmp(((const due_contact *)a)->node, ((const due_contact *)b)->node);
}

/* A recorded contact in the future means that the clock was set back. */
static sh_err record_one(store *s, const due_contact *due, int64_t now_ms, sh_error *error)
{
    store_node_info info;
    bool found = false;
    sh_err err = store_node_info_get(s, due->node, &info, &found, error);
    int64_t ms = due->ms < now_ms ? due->ms : now_ms;
    if (err != SH_OK || !found || (info.contact.last_ms >= ms && info.contact.last_ms <= now_ms))
        return err;
    info.contact = node_contact_next(&info.contact, ms);
    return store_node_info_put(s, &info, error);
}

static sh_err record_due(contact_recorder *r, store *s, sh_error *error)
{
    int64_t now_ms = sh_clock_unix_ms();
    sh_err err = store_begin(s, error);
    if (err != SH_OK)
        return err;
    for (size_t i = 0; i < r->due_count && err == SH_OK; i++)
        err = record_one(s, &r->due[i], now_ms, error);
    if (err == SH_OK)
        err = store_commit(s, error);
    if (err != SH_OK)
        store_rollback(s);
    return err;
}

sh_err contact_recorder_run(contact_recorder *r, store *s, sh_queue *queue, sh_error *error)
{
    r->due_count = 0;
    sh_err err = sh_queue_contacts(queue, add_due, r, error);
    if (err != SH_OK || r->due_count == 0)
        return err;
    qsort(r->due, r->due_count, sizeof r->due[0], by_node);
    err = record_due(r, s, error);
    for (size_t i = 0; i < r->due_count && err == SH_OK; i++)
        note_recorded(r, &r->due[i]);
    return err;
}
