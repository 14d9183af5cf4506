/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_CREDENTIALS_H
#define SH_CREDENTIALS_H

#include "libcommon/base/buffer.h"
#include "libcommon/base/error.h"
#include "libcommon/base/limits.h"
#include "libcommon/crypto/crypto.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * A node's own credentials (PROTOCOL.md section 5). Pure. Of a token the hash alone is kept in
 * clear: tokens are 256 random bits, which nobody finds by trying, so a plain hash suffices. What
 * the hub needs in full is sealed under a key that is derived from its own passphrase key.
 */

/* In clear; to be wiped. */
typedef struct {
    char token[SH_SECRET_TEXT_BYTES];      /* SYNC_api_token */
    char passphrase[SH_SECRET_TEXT_BYTES]; /* SYNC_encryption_key */
    uint8_t passphrase_key[SH_KEY_BYTES];  /* derived from it, so that no message pays for that */
} sh_node_secrets;

#define SH_CREDENTIAL_PLAIN_BYTES (SH_KEY_BYTES + 2 * (SH_SECRET_TEXT_BYTES - 1))
#define SH_CREDENTIAL_SEALED_BYTES (SH_NONCE_BYTES + SH_CREDENTIAL_PLAIN_BYTES + SH_TAG_BYTES)

/* A token and a key. */
typedef struct {
    int64_t since_ms;
    int64_t until_ms; /* when they end to work; 0: they do not */
    uint8_t token_hash[SH_DIGEST_BYTES];
    uint8_t sealed[SH_CREDENTIAL_SEALED_BYTES];
} sh_credential;

/* All that a node has. One without credentials that work may not send at all. */
typedef struct {
    char node[SH_NODE_NAME_MAX + 1];
    bool unreadable; /* of another version: nothing works */
    bool netalertx;  /* may push in NetAlertX's format, too */
    int64_t created_ms;
    int64_t revoked_ms; /* 0: it is not */
    size_t count;
    sh_credential items[SH_NODE_CREDENTIALS_MAX]; /* the newest first */
} sh_node_record;

/* The key that credentials are sealed with. */
void sh_credential_key_derive(const uint8_t passphrase_key[static SH_KEY_BYTES],
                              uint8_t ret[static SH_KEY_BYTES]);

/* Makes a token and a key: into *ret for the operator, sealed into *credential. SH_E_MEMORY. */
sh_err sh_credential_make(const uint8_t sealing_key[static SH_KEY_BYTES], const char *node,
                          int64_t now_ms, sh_credential *credential, sh_node_secrets *ret,
                          sh_error *error);

/* SH_E_CONFIG where it was sealed under another SYNC_encryption_key of the hub, or altered. */
sh_err sh_credential_open(const uint8_t sealing_key[static SH_KEY_BYTES], const char *node,
                          const sh_credential *credential, sh_node_secrets *ret, sh_error *error);

/*
 * Whether it has no end, or one that is yet to come and no further away than
 * SH_NODE_ROTATE_OVERLAP_MAX_S: a rotation under a clock that was years ahead must not keep a token
 * working for years.
 */
bool sh_credential_works(const sh_credential *credential, int64_t now_ms);

/* Adds a new one before the others and forgets those that work no more. SH_E_LIMIT. */
sh_err sh_node_record_add(sh_node_record *record, const sh_credential *credential, int64_t now_ms,
                          sh_error *error);

/* The record as text. SH_E_MEMORY. */
sh_err sh_node_record_write(const sh_node_record *record, sh_buf *ret);
/* *ret is the node's in every case, unreadable where the text is none. */
void sh_node_record_read(sh_slice node, sh_slice text, sh_node_record *ret);

/* --- The table of all nodes ---------------------------------------------------------------- */

typedef struct sh_credentials sh_credentials;

sh_err sh_credentials_new(sh_credentials **ret, sh_error *error);
void sh_credentials_free(sh_credentials *all); /* NULL is accepted */
/* Adds one node's record. SH_E_MEMORY, SH_E_LIMIT. After the last one sh_credentials_index(). */
sh_err sh_credentials_add(sh_credentials *all, sh_slice node, sh_slice text, sh_error *error);
sh_err sh_credentials_index(sh_credentials *all, sh_error *error);

size_t sh_credentials_count(const sh_credentials *all);
const sh_node_record *sh_credentials_at(const sh_credentials *all, size_t index);
/* The node's record, or NULL: it has none of its own. *index may be NULL. */
const sh_node_record *sh_credentials_of_node(const sh_credentials *all, const char *node,
                                             size_t *index);
/* The record of another node whose name is easily confused with this valid one (name.h), or NULL.
 */
const sh_node_record *sh_credentials_like(const sh_credentials *all, const char *node);
/* Whose token this is, if it works now; else NULL. One look-up, by the hash. */
const sh_node_record *sh_credentials_of_token(const sh_credentials *all, sh_slice token,
                                              int64_t now_ms);

#endif
