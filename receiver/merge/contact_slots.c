/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/merge/contact_slots.h"

#include <stdlib.h>
#include <string.h>

#define SIZE_FIRST 1024
#define SIZE_MAX_SLOTS ((size_t)1 << 22)

_Static_assert(sizeof(contact_slot) == 16, "a hub of millions of nodes has as many slots");

sh_err contact_slots_init(contact_slots *s, sh_error *error)
{
    *s = (contact_slots){.slots = calloc(SIZE_FIRST, sizeof *s->slots), .size = SIZE_FIRST};
    return s->slots != NULL ? SH_OK : sh_fail(error, SH_E_MEMORY, "no memory to record contacts");
}

void contact_slots_reset(contact_slots *s)
{
    free(s->slots);
    *s = (contact_slots){.slots = NULL};
}

void contact_slots_clear(contact_slots *s)
{
    memset(s->slots, 0, s->size * sizeof *s->slots);
    s->count = 0;
}

static contact_slot *place_of(const contact_slots *s, uint64_t node)
{
    size_t at = (size_t)node & (s->size - 1);
    while (s->slots[at].node != 0 && s->slots[at].node != node)
        at = (at + 1) & (s->size - 1);
    return &s->slots[at];
}

const contact_slot *contact_slots_find(const contact_slots *s, uint64_t node)
{
    const contact_slot *slot = place_of(s, node);
    return slot->node == 0 ? NULL : slot;
}

static void grow(contact_slots *s)
{
    contact_slots larger = {.size = 2 * s->size, .count = s->count};
    if (larger.size <= SIZE_MAX_SLOTS)
        larger.slots = calloc(larger.size, sizeof *larger.slots);
    if (larger.slots == NULL) {
        contact_slots_clear(s);
        return;
    }
    for (size_t i = 0; i < s->size; i++)
        if (s->slots[i].node != 0)
            *place_of(&larger, s->slots[i].node) = s->slots[i];
    free(s->slots);
    *s = larger;
}

void contact_slots_put(contact_slots *s, contact_slot slot)
{
    contact_slot *place = place_of(s, slot.node);
    if (place->node == 0 && 4 * (s->count + 1) > 3 * s->size) {
        grow(s);
        place = place_of(s, slot.node);
    }
    s->count += place->node == 0;
    *place = slot;
}
