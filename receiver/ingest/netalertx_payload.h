/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_NETALERTX_PAYLOAD_H
#define RECEIVER_NETALERTX_PAYLOAD_H

#include "libcommon/base/buffer.h"
#include "libcommon/base/error.h"
#include "libcommon/native/envelope.h"

#include <stdbool.h>

typedef struct {
    sh_slice data; /* as received */
    sh_kind kind;
    sh_buf *text; /* the decrypted text */
    bool valid;   /* text has this kind */
    bool ignored; /* a plugin result instead of a table: nothing to merge */
} netalertx_payload;

/*
 * The payload of a NetAlertX push is not authenticated: anybody who has the token may send any
 * bytes. Work and result are the same whatever is wrong with them; a difference would let a peer
 * decrypt captured payloads and forge its own (a padding oracle).
 *
 * Decrypts data into *text, replacing its content, checks it and sets `valid` or `ignored`: a node
 * with SYNC in its SYNC_plugins sends the result of its SYNC plugin under the name of the table,
 * and a NetAlertX hub takes and skips it. As any result is taken under another plugin's name, this
 * reveals nothing more to a peer. SH_E_LIMIT by the length of data only; SH_E_MEMORY.
 */
sh_err netalertx_payload_open(sh_slice passphrase, netalertx_payload *payload, sh_error *error);

/* Bytes that *text must hold beyond the longest text. */
#define NETALERTX_PAYLOAD_MARGIN 64

#endif
