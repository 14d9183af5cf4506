/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_HTTP_CLIENT_SILENCE_H
#define SH_HTTP_CLIENT_SILENCE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Part of the module http_client: detects peers that do not accept a connection, or accept it and
 * send nothing. Pure.
 */

/* How far an exchange has come. */
typedef enum {
    HTTP_STEP_RESOLVING, /* waits for a name server, not for the peer */
    HTTP_STEP_CONNECTING,
    HTTP_STEP_HANDSHAKE, /* of TLS */
    HTTP_STEP_REQUEST,   /* sends the request and waits for the first byte */
    HTTP_STEP_ANSWER,
} http_client_step;

typedef struct {
    http_client_step step;
    unsigned sockets; /* opened so far: one for each address that is tried */
    int64_t since_ms; /* monotonic: when the exchange was first seen in this step; 0: never */
} http_client_silence;

/* Call it regularly. Returns true if the exchange moved: another step, or another address. */
bool http_client_silence_note(http_client_silence *s, http_client_silence now);

/*
 * Whether the exchange has waited in its step for the peer for at least limit_ms. The time before
 * not_before_ms (monotonic) is not counted.
 */
bool http_client_is_silent(const http_client_silence *s, int64_t now_ms, int64_t not_before_ms,
                           int64_t limit_ms);

#endif
