/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/merge/presence_fingerprint.h"

#include <string.h>

#define MULTIPLIER UINT64_C(0x9e3779b97f4a7c15)

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

int64_t presence_fingerprint(const sightings *from, const sightings_range *range)
{
    uint64_t hash = range->end - range->first;
    int64_t ret = 0;
    for (size_t i = range->first; i < range->end; i++) {
        const sighting *one = &from->rows[i];
        if (one->kind == SIGHTED_EARLIER)
            return 0;
        hash = mix(mix(hash, one->key), one->kind);
        hash = mix_bytes(hash, sighting_ip(from, one));
    }
    hash |= 1;
    memcpy(&ret, &hash, sizeof ret);
    return ret;
}
