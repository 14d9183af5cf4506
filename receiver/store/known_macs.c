/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/store/known_macs.h"

#include "libcommon/base/limits.h"
#include "libcommon/crypto/crypto.h"

#include <stdlib.h>
#include <string.h>

#define SIZE_FIRST 1024 /* slots; always a power of two, at most three quarters in use */
#define SIZE_MAX_SLOTS (KNOWN_MACS_BYTES_MAX / sizeof(uint64_t))

/*
 * The slot of a number, or a free slot for it. Multiplicative hashing by an odd factor, linear
 * probing.
 */
static size_t place_of(const known_macs *k, uint64_t number)
{
    size_t at = (size_t)(number * k->seed >> 32) & (k->size - 1);
    while (k->slots[at] != 0 && k->slots[at] != number)
        at = (at + 1) & (k->size - 1);
    return at;
}

bool known_macs_has(const known_macs *k, const sh_mac *mac)
{
    return mac->number != 0 && k->size > 0 && k->slots[place_of(k, mac->number)] == mac->number;
}

/* False if there is no more memory, which only costs speed. */
static bool grow(known_macs *k)
{
    known_macs larger = {.size = k->size == 0 ? SIZE_FIRST : 2 * k->size, .seed = k->seed};
    if (larger.size > SIZE_MAX_SLOTS)
        return false;
    larger.slots = calloc(larger.size, sizeof larger.slots[0]);
    if (larger.slots == NULL)
        return false;
    if (larger.seed == 0) {
        sh_random(&larger.seed, sizeof larger.seed);
        larger.seed |= 1;
    }
    for (size_t i = 0; i < k->size; i++)
        if (k->slots[i] != 0)
            larger.slots[place_of(&larger, k->slots[i])] = k->slots[i];
    larger.count = k->count;
    free(k->slots);
    *k = larger;
    return true;
}

bool known_macs_add(known_macs *k, const sh_mac *mac)
{
    if (mac->number == 0 || (4 * (k->count + 1) > 3 * k->size && !grow(k)))
        return false;
    size_t at = place_of(k, mac->number);
    k->count += k->slots[at] == 0;
    k->slots[at] = mac->number;
    return true;
}

void known_macs_clear(known_macs *k)
{
    if (k->count > 0)
        memset(k->slots, 0, k->size * sizeof k->slots[0]);
    k->count = 0;
}

void known_macs_reset(known_macs *k)
{
    free(k->slots);
    *k = (known_macs){0};
}
