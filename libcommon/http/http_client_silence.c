/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/http/http_client_silence.h"

bool http_client_silence_note(http_client_silence *s, http_client_silence now)
{
    if (s->since_ms != 0 && s->step == now.step && s->sockets == now.sockets)
        return false;
    *s = now;
    return true;
}

bool http_client_is_silent(const http_client_silence *s, int64_t now_ms, int64_t not_before_ms,
                           int64_t limit_ms)
{
    int64_t since_ms = s->since_ms > not_before_ms ? s->since_ms : not_before_ms;
    bool waits_for_peer = s->step != HTTP_STEP_RESOLVING && s->step != HTTP_STEP_ANSWER;
    return waits_for_peer && now_ms - since_ms >= limit_ms;
}
