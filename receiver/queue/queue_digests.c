/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/queue/queue_digests.h"

#include "libcommon/base/hex.h"
#include "libcommon/queue/queue_handle.h"
#include "receiver/queue/receiver_scripts.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

void queue_digest_write(const uint8_t digest[static SH_DIGEST_BYTES], int64_t merged_ms,
                        char ret[static QUEUE_DIGEST_VALUE_BYTES])
{
    char hex[SH_DIGEST_HEX_BYTES];
    sh_hex_encode(digest, SH_DIGEST_BYTES, hex);
    (void)snprintf(ret, QUEUE_DIGEST_VALUE_BYTES, "%s %" PRId64, hex, merged_ms);
}

sh_err queue_digests_publish(sh_queue *queue, const queue_digest digests[], size_t count,
                             sh_error *error)
{
    static_assert(QUEUE_DIGESTS_MAX == DIGESTS_SET_MAX, "the script takes as many");
    digests_publish_arguments arguments = {.keys = {sh_slice_of(queue->digests)}};
    char values[QUEUE_DIGESTS_MAX][QUEUE_DIGEST_VALUE_BYTES];
    assert(count > 0 && count <= QUEUE_DIGESTS_MAX);
    for (size_t i = 0; i < count; i++) {
        queue_digest_write(digests[i].digest, digests[i].merged_ms, values[i]);
        arguments.published[i].node = sh_slice_of(digests[i].node);
        arguments.published[i].digest = sh_slice_of(values[i]);
    }
    sh_redis_arguments all = SH_REDIS_ARGUMENTS(arguments);
    all.argc -= 2 * (QUEUE_DIGESTS_MAX - count);
    return sh_queue_do_script(queue, &sh_script_digests_publish, all, error);
}

sh_err queue_digests_clear(sh_queue *queue, sh_error *error)
{
    const digests_clear_arguments arguments = {
        .keys = {.digests = sh_slice_of(queue->digests), .shares = sh_slice_of(queue->shares)}};
    return sh_queue_do_script(queue, &sh_script_digests_clear, SH_REDIS_ARGUMENTS(arguments),
                              error);
}
