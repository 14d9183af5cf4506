/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_NETALERTX_PAYLOAD_H
#define RECEIVER_NETALERTX_PAYLOAD_H

#include "libcommon/base/buffer.h"
#include "libcommon/base/error.h"
#include "libcommon/native/envelope.h"

#include <stdbool.h>

/*
 * The payload of a NetAlertX push is not authenticated: anybody who has the token may send any
 * bytes. Work and result are the same whatever is wrong with them; a difference would let a peer
 * decrypt captured payloads and forge its own (a padding oracle).
 *
 * Decrypts data into *text, replacing its content, and checks it against its kind: *valid.
 * SH_E_LIMIT by the length of data alone; SH_E_MEMORY.
 */
sh_err netalertx_payload_open(sh_slice passphrase, sh_slice data, sh_kind kind, sh_buf *text,
                              bool *valid, sh_error *error);

/* Bytes that *text must hold beyond the longest text. */
#define NETALERTX_PAYLOAD_MARGIN 64

#endif
