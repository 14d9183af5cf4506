/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/ingest/ingest_key_check.h"

#include <string.h>

void ingest_key_check_init(ingest_key_check *guard, const uint8_t key[static SH_KEY_BYTES])
{
    sh_key_check(key, guard->own);
    atomic_init(&guard->state, KEY_UNKNOWN);
}

key_state ingest_key_check_get(const ingest_key_check *guard)
{
    return atomic_load(&guard->state);
}

key_state ingest_key_check_refresh(ingest_key_check *guard, sh_queue *queue)
{
    char reported[SH_KEY_CHECK_HEX_BYTES];
    if (sh_queue_key_get(queue, reported, NULL) == SH_OK)
        atomic_store(&guard->state, reported[0] == '\0' || strcmp(reported, guard->own) == 0
                                        ? KEY_RIGHT
                                        : KEY_WRONG);
    return atomic_load(&guard->state);
}
