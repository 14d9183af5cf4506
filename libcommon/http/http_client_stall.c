/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/http/http_client_stall.h"

bool http_client_stalls(http_client_stall *s, size_t len, int64_t now_ms, int64_t stall_ms)
{
    bool marked = s->mark_ms != 0;
    int64_t since_ms = now_ms - s->mark_ms;
    if (marked && since_ms < stall_ms)
        return false;
    bool slow = marked && len - s->mark_len < (size_t)since_ms * HTTP_STALL_BYTES_PER_S / 1000;
    *s = (http_client_stall){.mark_ms = now_ms, .mark_len = len};
    return slow;
}
