/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_CONTACT_SLOTS_H
#define RECEIVER_CONTACT_SLOTS_H

#include "libcommon/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The contact of each node that was recorded last, by a hash of its name: 16 bytes for a node, in a
 * table that doubles when three quarters of it are in use. Over three million nodes (64 MiB), and
 * without memory for more, all are forgotten: each node's row is then read again to see whether it
 * has the contact. Pure.
 */
typedef struct {
    uint64_t node;        /* the hash; 0: free */
    uint64_t ms : 63;     /* the contact as Redis has it, Unix time; 0: none */
    uint64_t is_open : 1; /* the node has a problem, which a contact ends */
} contact_slot;

typedef struct {
    contact_slot *slots;
    size_t size, count; /* a power of two; in use */
} contact_slots;

sh_err contact_slots_init(contact_slots *s, sh_error *error); /* SH_E_MEMORY */
void contact_slots_reset(contact_slots *s);

void contact_slots_clear(contact_slots *s);

/* The slot of a node, whose hash is not 0; NULL: it has none. Valid until the next change. */
const contact_slot *contact_slots_find(const contact_slots *s, uint64_t node);

/* Sets the slot of its node. */
void contact_slots_put(contact_slots *s, contact_slot slot);

#endif
