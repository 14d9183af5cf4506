/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/http/http_server_timeouts.h"

#include "libcommon/base/clock.h"
#include "libcommon/base/limits.h"

#define LEAVE_MS 2000 /* for a peer to read the answer about its wrong protocol */

void sh_http_timeouts_init(sh_http_server *server, const sh_http_server_options *options)
{
    server->headers_max_ms =
        options->headers_max_ms > 0 ? options->headers_max_ms : SH_HTTP_HEADERS_MAX_S * 1000LL;
    server->exchange_max_ms =
        options->exchange_max_ms > 0 ? options->exchange_max_ms : SH_HTTP_EXCHANGE_MAX_S * 1000LL;
}

static int64_t limit_ms(const sh_http_server *server, sh_http_phase phase)
{
    const int64_t first_byte_ms = SH_HTTP_IDLE_TIMEOUT_S * 1000LL;
    switch (phase) {
    case SH_HTTP_NEW:
        return server->headers_max_ms < first_byte_ms ? server->headers_max_ms : first_byte_ms;
    case SH_HTTP_LEAVING:
        return LEAVE_MS;
    case SH_HTTP_ACTIVE:
        return server->exchange_max_ms;
    default: /* a refused peer gets no more time than one that has not sent its headers */
        return server->headers_max_ms;
    }
}

void sh_http_set_phase(const sh_http_server *server, sh_http_connection *c, sh_http_phase phase)
{
    int64_t now_ms = sh_clock_monotonic_ms();
    atomic_store(&c->since_ms, now_ms);
    atomic_store(&c->until_ms, now_ms + limit_ms(server, phase));
    atomic_store(&c->phase, (int)phase);
}

int64_t sh_http_overdue_ms(const sh_http_connection *c, int64_t now_ms)
{
    return now_ms - atomic_load(&c->until_ms);
}
