/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/merge/table_order.h"

#include "libcommon/base/limits.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define SEQ_MOST 999
#define SKEW_MS (SH_CLOCK_SKEW_MAX_S * (int64_t)1000)

int64_t table_order_of(const char *entry_id)
{
    int64_t ms = 0, seq = 0;
    /* The id is Redis's own, two numbers of 64 bits. */
    /* NOLINTNEXTLINE(cert-err34-c) */
    if (sscanf(entry_id, "%" SCNd64 "-%" SCNd64, &ms, &seq) != 2 || ms < 0 || seq < 0 ||
        ms > INT64_MAX / (SEQ_MOST + 1) - 1)
        return 0;
    return ms * (SEQ_MOST + 1) + (seq < SEQ_MOST ? seq : SEQ_MOST);
}

bool table_is_older(const store_table *table, const store_table *last, int64_t now_ms)
{
    if (last->order == 0 || memcmp(table->digest, last->digest, SH_DIGEST_BYTES) == 0)
        return false;
    if (last->sealed_ms > now_ms + SKEW_MS)
        return false; /* the clock that it was sealed by has been set back since */
    if (table->sealed_ms + 2 * SKEW_MS < last->sealed_ms)
        return true; /* whatever its place in the stream: a dead letter */
    return table->order < last->order && table->sealed_ms < last->sealed_ms;
}
