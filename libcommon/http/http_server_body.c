/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/http/http_server_body.h"

#include "libcommon/base/buffer.h"
#include "libcommon/base/limits.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* --- Bodies --------------------------------------------------------------------------------------
 */

/*
 * Reserves memory for the body from the budget of all bodies. The last part of the budget is for
 * small bodies, so that a few peers with large bodies do not lock out all others.
 */
static bool charge(sh_http_exchange *exchange, size_t bytes)
{
    sh_http_server *server = exchange->server;
    if (bytes <= exchange->charged)
        return true;
    size_t more = bytes - exchange->charged;
    size_t most = SH_HTTP_BODIES_MAX;
    if (bytes > 4 * SH_HTTP_SMALL_BODY) /* including its overhead */
        most -= SH_HTTP_BODIES_RESERVED;
    size_t before = atomic_fetch_add(&server->bodies, more);
    if (before + more > most) {
        atomic_fetch_sub(&server->bodies, more);
        return false;
    }
    exchange->charged = bytes;
    return true;
}

bool sh_http_claim(sh_http_exchange *exchange, size_t bytes)
{
    return charge(exchange, exchange->charged + bytes);
}

void sh_http_body_drop(sh_http_exchange *exchange, size_t kept)
{
    assert(kept <= exchange->charged);
    sh_buf_reset(&exchange->body); /* no need to wipe it: its content is encrypted */
    atomic_fetch_sub(&exchange->server->bodies, exchange->charged - kept);
    exchange->charged = kept;
}

/*
 * Size of a body's buffer after `len` bytes: the Content-Length, once a fifth has arrived, so that
 * a peer cannot reserve memory by announcing it; until then room for that fifth and the piece in
 * which it ends, but at most 5 times as much as has arrived. 1.5 times as much without a length.
 */
static size_t room_for(const sh_http_exchange *exchange, size_t len)
{
    size_t announced = (size_t)exchange->announced; /* at most exchange->allowed */
    if (announced < len) {
        size_t half_more = len + len / 2;
        return half_more < exchange->allowed ? half_more : exchange->allowed;
    }
    if (announced / 5 <= len)
        return announced;
    size_t fifth = announced / 5 + SH_HTTP_HEADER_BYTES_MAX; /* a piece is not larger */
    return fifth < 5 * len ? fifth : 5 * len;
}

void sh_http_body_take(sh_http_exchange *exchange, const char *data, size_t len)
{
    if (exchange->over_limit || exchange->over_budget) {
        exchange->discarded += len;
        return;
    }
    size_t needed = exchange->body.len + len;
    size_t room = needed < exchange->body.cap ? exchange->body.cap - 1 : room_for(exchange, needed);
    if (len > exchange->allowed - exchange->body.len)
        exchange->over_limit = true;
    /* Reserve the new size first, with a byte for the NUL. */
    else if (!charge(exchange, room + 1) ||
             sh_buf_reserve_exactly(&exchange->body, room) != SH_OK ||
             sh_buf_append(&exchange->body, data, len) != SH_OK)
        exchange->over_budget = true;
    if (exchange->over_limit || exchange->over_budget)
        sh_http_body_drop(exchange, 0);
}

void *sh_http_context(const sh_http_exchange *exchange)
{
    return exchange->route->context != NULL ? exchange->route->context : exchange->server->context;
}

void sh_http_body_handled(sh_http_exchange *exchange)
{
    assert(exchange->replied);
    sh_http_body_drop(exchange, exchange->answer_len);
}

/* --- Refused bodies -------------------------------------------------------------------------- */

static sh_slice body_of(const sh_http_exchange *exchange)
{
    return (sh_slice){exchange->body.data == NULL ? "" : exchange->body.data, exchange->body.len};
}

void sh_http_when_refused(sh_http_exchange *exchange, sh_http_refused *refused)
{
    if (exchange->admitted)
        refused(exchange, body_of(exchange), body_of(exchange));
    else
        exchange->refused = refused;
}

void sh_http_body_end_refused(sh_http_exchange *exchange)
{
    static const sh_slice nothing = {"", 0};
    if (exchange->refused != NULL && exchange->kept != NULL)
        exchange->refused(exchange, (sh_slice){exchange->kept->head, exchange->kept->head_len},
                          (sh_slice){exchange->kept->tail, exchange->kept->tail_len});
    else if (exchange->refused != NULL)
        exchange->refused(exchange, nothing, nothing);
    exchange->refused = NULL;
    free(exchange->kept);
    exchange->kept = NULL;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

void sh_http_body_discard(sh_http_exchange *exchange, const char *data, size_t len)
{
    exchange->discarded += len;
    if (exchange->refused != NULL && exchange->kept == NULL)
        exchange->kept = calloc(1, sizeof *exchange->kept);
    if (exchange->kept == NULL) /* out of memory: the log line does not quote the body */
        return;
    size_t *head_len = &exchange->kept->head_len, *tail_len = &exchange->kept->tail_len;
    size_t begin = smaller(len, SH_HTTP_REFUSED_HEAD_BYTES - *head_len);
    memcpy(exchange->kept->head + *head_len, data, begin);
    *head_len += begin;
    size_t end = smaller(len, SH_HTTP_REFUSED_TAIL_BYTES);
    size_t stays = smaller(*tail_len, SH_HTTP_REFUSED_TAIL_BYTES - end);
    memmove(exchange->kept->tail, exchange->kept->tail + *tail_len - stays, stays);
    memcpy(exchange->kept->tail + stays, data + len - end, end);
    *tail_len = stays + end;
}
