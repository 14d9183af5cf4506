/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PULLER_OWN_CREDENTIALS_H
#define PULLER_OWN_CREDENTIALS_H

#include "libcommon/base/error.h"
#include "libcommon/native/credentials.h"
#include "libcommon/native/envelope.h"

/* Tokens and keys for pulling nodes with credentials of their own. No I/O. */
typedef struct {
    const uint8_t *passphrase_key; /* SH_KEY_BYTES; the hub's */
    const uint8_t *credential_key; /* SH_KEY_BYTES */
    const sh_credentials *all;
    int64_t now_ms; /* Unix time, at which credentials must be valid */
} puller_credentials;

/*
 * Sets *ret to the node's record, or NULL if it has none of its own. SH_E_REFUSED if none of its
 * credentials are valid.
 */
sh_err puller_record_of(const puller_credentials *c, const char *node, const sh_node_record **ret,
                        sh_error *error);

/*
 * The node's own token with this number, 0 being the newest. SH_E_NOT_FOUND if fewer are valid;
 * SH_E_CONFIG as sh_credential_open().
 */
sh_err puller_token_of(const puller_credentials *c, const sh_node_record *record, size_t number,
                       char ret[static SH_SECRET_TEXT_BYTES], sh_error *error);

/*
 * The key with which an envelope of this header must be sealed. SH_E_CRYPTO: it is sealed with
 * another one.
 */
sh_err puller_key_of(const puller_credentials *c, const sh_node_record *record,
                     const sh_envelope_header *header, sh_node_key *ret, sh_error *error);

#endif
