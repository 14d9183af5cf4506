/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_INGEST_SUCCESS_ANSWERS_H
#define RECEIVER_INGEST_SUCCESS_ANSWERS_H

#include "libcommon/crypto/crypto.h"
#include "libcommon/http/http_server.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Answers a push or a question in the native format with success (PROTOCOL.md, section 3). id: of
 * the item, or NULL. is_shared: several instances use the node's name, which the answer says.
 */
typedef struct {
    unsigned code;
    const char *status;
    const uint8_t *id; /* SH_ID_BYTES */
    bool is_shared;
} ingest_success;
void ingest_reply_success(sh_http_exchange *exchange, const ingest_success *success);

#endif
