/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_CREDENTIALS_H
#define SH_CREDENTIALS_H

#include "libcommon/base/buffer.h"
#include "libcommon/base/error.h"
#include "libcommon/base/limits.h"
#include "libcommon/crypto/encryption_key.h"
#include "libcommon/native/node_key.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * A node's own credentials (PROTOCOL.md, section 5). No I/O. Tokens are stored as unsalted hashes,
 * which suffices for 256 random bits. The secrets are sealed with a key derived from the hub's
 * passphrase key.
 */

/* In plaintext; the caller wipes it. */
typedef struct {
    char token[SH_SECRET_TEXT_BYTES];                  /* SYNC_api_token */
    char encryption_key[SH_ENCRYPTION_KEY_TEXT_BYTES]; /* SYNC_encryption_key */
    uint8_t passphrase_key[SH_KEY_BYTES];              /* its sh_encryption_key_derive() */
} sh_node_secrets;

#define SH_CREDENTIAL_PLAIN_BYTES (SH_KEY_BYTES + 2 * (SH_SECRET_TEXT_BYTES - 1))
#define SH_CREDENTIAL_SEALED_BYTES (SH_NONCE_BYTES + SH_CREDENTIAL_PLAIN_BYTES + SH_TAG_BYTES)

/* A token and a key. */
typedef struct {
    int64_t since_ms;
    int64_t until_ms; /* expiry; 0: none */
    uint8_t token_hash[SH_DIGEST_BYTES];
    uint8_t sealed[SH_CREDENTIAL_SEALED_BYTES];
} sh_credential;

/* All credentials of a node. A node with a record but no valid credentials may not send. */
typedef struct {
    char node[SH_NODE_NAME_MAX + 1];
    bool unreadable; /* invalid or of another version: has no valid credentials */
    bool netalertx;  /* may also push in NetAlertX's format */
    int64_t created_ms;
    int64_t revoked_ms; /* 0: not revoked */
    size_t count;
    sh_credential items[SH_NODE_CREDENTIALS_MAX]; /* newest first */
    sh_credential shared; /* until_ms: the hub's shared token and key work for it, too; 0: never */
} sh_node_record;

/* The hash of a token in a record. */
void sh_credential_hash_token(sh_slice token, uint8_t ret[static SH_DIGEST_BYTES]);

/* Derives the key that seals credentials. */
void sh_credential_key_derive(const uint8_t passphrase_key[static SH_KEY_BYTES],
                              uint8_t ret[static SH_KEY_BYTES]);

typedef struct {
    sh_credential credential; /* for the node's record: sealed */
    sh_node_secrets secrets;  /* for the operator */
} sh_issued_credential;

/*
 * Generates a token and a random key; or a passphrase, whose key takes long to derive, for nodes
 * whose program may not know random keys (PROTOCOL.md, section 1). SH_E_MEMORY with a passphrase.
 */
typedef enum { SH_MAKE_RANDOM_KEY, SH_MAKE_PASSPHRASE } sh_key_kind;
sh_err sh_credential_make(const uint8_t sealing_key[static SH_KEY_BYTES], const char *node,
                          sh_key_kind kind, int64_t now_ms, sh_issued_credential *ret,
                          sh_error *error);

/*
 * The credential that stands for the hub's shared token and key until that time. It contains
 * random bytes: it only has the form of a credential, which earlier versions require.
 */
void sh_credential_make_shared(const uint8_t sealing_key[static SH_KEY_BYTES], const char *node,
                               int64_t now_ms, int64_t until_ms, sh_credential *ret);

/* SH_E_CONFIG if it was sealed with another SYNC_encryption_key of the hub, or altered. */
sh_err sh_credential_open(const uint8_t sealing_key[static SH_KEY_BYTES], const char *node,
                          const sh_credential *credential, sh_node_secrets *ret, sh_error *error);

/*
 * Whether it has no expiry, or one within the next SH_NODE_ROTATE_OVERLAP_MAX_S: a rotation under a
 * clock that was years ahead must not keep a token valid for years.
 */
bool sh_credential_is_valid(const sh_credential *credential, int64_t now_ms);

/* Whether the node may use the hub's shared token and key now, beside its own. */
bool sh_node_record_takes_shared(const sh_node_record *record, int64_t now_ms);

/*
 * The node's own key with this id, among its valid credentials. SH_E_NOT_FOUND, without a message,
 * if it has none; SH_E_CONFIG as sh_credential_open(). *ret is undefined after an error.
 */
sh_err sh_node_record_find_key(const sh_node_record *record,
                               const uint8_t sealing_key[static SH_KEY_BYTES],
                               const uint8_t id[static SH_KEY_ID_BYTES], int64_t now_ms,
                               sh_node_key *ret, sh_error *error);

/* Adds a credential as the newest and removes those that are no longer valid. SH_E_LIMIT. */
sh_err sh_node_record_add(sh_node_record *record, const sh_credential *credential, int64_t now_ms,
                          sh_error *error);

/* Appends the record as text. SH_E_MEMORY. */
sh_err sh_node_record_write(const sh_node_record *record, sh_buf *ret);
/* Parses a record; always sets ret->node, and ret->unreadable if text is invalid. */
void sh_node_record_read(sh_slice node, sh_slice text, sh_node_record *ret);

/* --- The table of all nodes ---------------------------------------------------------------- */

typedef struct sh_credentials sh_credentials;

sh_err sh_credentials_new(sh_credentials **ret, sh_error *error);
void sh_credentials_free(sh_credentials *all); /* NULL is accepted */
/* Adds one node's record. SH_E_MEMORY, SH_E_LIMIT. */
sh_err sh_credentials_add(sh_credentials *all, sh_slice node, sh_slice text, sh_error *error);
/* Builds the indexes; required after the last sh_credentials_add(). SH_E_MEMORY. */
sh_err sh_credentials_index(sh_credentials *all, sh_error *error);

size_t sh_credentials_count(const sh_credentials *all);
const sh_node_record *sh_credentials_at(const sh_credentials *all, size_t index);
/* The node's record and its index (may be NULL), or NULL if the node has no own credentials. */
const sh_node_record *sh_credentials_find_node(const sh_credentials *all, const char *node,
                                               size_t *index);
/* The record of another node with a confusable name (name_lookalike.h), or NULL. node is a valid
 * name.
 */
const sh_node_record *sh_credentials_find_lookalike(const sh_credentials *all, const char *node);
/* The record of the node with this token if the token is valid now, else NULL. */
const sh_node_record *sh_credentials_find_token(const sh_credentials *all, sh_slice token,
                                                int64_t now_ms);

#endif
