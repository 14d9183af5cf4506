/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/merge/presence_cache.h"

#include <stdlib.h>
#include <string.h>

#define SLOTS 16384 /* a power of two; 1.2 MiB */
#define MULTIPLIER UINT64_C(0x9e3779b97f4a7c15)

typedef struct {
    uint64_t node; /* hash of its name; 0: free */
    uint64_t fingerprint;
    store_table newest;
} slot;

struct presence_cache {
    slot slots[SLOTS];
};

static uint64_t mix(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * MULTIPLIER;
    return hash ^ hash >> 29;
}

static uint64_t mix_bytes(uint64_t hash, sh_slice bytes)
{
    uint64_t word = 0;
    for (; bytes.len >= sizeof word; bytes.len -= sizeof word, bytes.data += sizeof word) {
        memcpy(&word, bytes.data, sizeof word);
        hash = mix(hash, word);
    }
    word = 0;
    if (bytes.len > 0)
        memcpy(&word, bytes.data, bytes.len);
    return mix(mix(hash, word), bytes.len);
}

sh_err presence_cache_new(presence_cache **ret, sh_error *error)
{
    *ret = calloc(1, sizeof **ret);
    return *ret != NULL ? SH_OK
                        : sh_fail(error, SH_E_MEMORY, "no memory to remember what is present");
}

void presence_cache_free(presence_cache *c)
{
    free(c);
}

void presence_cache_clear(presence_cache *c)
{
    memset(c, 0, sizeof *c);
}

uint64_t presence_fingerprint(const sightings *from, const sightings_range *range)
{
    uint64_t hash = range->end - range->first;
    for (size_t i = range->first; i < range->end; i++) {
        const sighting *one = &from->rows[i];
        if (one->kind == SIGHTED_EARLIER)
            return 0;
        hash = mix(mix(hash, one->key), one->kind);
        hash = mix_bytes(hash, sighting_ip(from, one));
    }
    return hash | 1;
}

static uint64_t node_hash(const char *node)
{
    return mix_bytes(0, sh_slice_of(node)) | 1;
}

static bool is_same_table(const store_table *a, const store_table *b)
{
    return a->order == b->order && a->sealed_ms == b->sealed_ms &&
           memcmp(a->digest, b->digest, sizeof a->digest) == 0;
}

bool presence_cache_matches(const presence_cache *c, const char *node, const store_table *newest,
                            uint64_t fingerprint)
{
    uint64_t hash = node_hash(node);
    const slot *s = &c->slots[hash >> 1 & (SLOTS - 1)];
    return s->node == hash && s->fingerprint == fingerprint && is_same_table(&s->newest, newest);
}

void presence_cache_set(presence_cache *c, const char *node, const store_table *newest,
                        uint64_t fingerprint)
{
    uint64_t hash = node_hash(node);
    c->slots[hash >> 1 & (SLOTS - 1)] =
        (slot){.node = hash, .fingerprint = fingerprint, .newest = *newest};
}
