/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_ENVELOPE_H
#define SH_ENVELOPE_H

#include "libcommon/base/buffer.h"
#include "libcommon/base/error.h"
#include "libcommon/base/limits.h"
#include "libcommon/crypto/crypto.h"
#include "libcommon/native/node_key.h"

#include <stdbool.h>
#include <stdint.h>

/* The native envelope (PROTOCOL.md, section 2). No I/O; thread-safe. */

#define SH_ENVELOPE_TYPE "application/vnd.synchub.envelope"
#define SH_ENVELOPE_VERSION 1
#define SH_ENVELOPE_FIXED_BYTES 112 /* the header up to the names */

typedef enum {
    SH_KIND_DEVICES = 1, /* a whole device table */
    SH_KIND_PLUGIN = 2,  /* one plugin's result */
} sh_kind;

typedef struct {
    sh_kind kind;
    uint8_t id[SH_ID_BYTES]; /* identifies the item; the same in every retry */
    int64_t time_ms;         /* Unix time at which it was sealed */
    char node[SH_NODE_NAME_MAX + 1];
    char plugin[SH_PLUGIN_NAME_MAX + 1]; /* "" for a device table */
    uint8_t key_id[SH_KEY_ID_BYTES];
    uint8_t digest[SH_DIGEST_BYTES]; /* of the complete text: see sh_digest() */
    uint32_t part, parts;            /* 0 of 1, unless the table is sent in parts */
    uint32_t plain_len;              /* bytes of text */
    uint32_t compressed_len;         /* bytes after compression, without the tag */
} sh_envelope_header;

/*
 * Compresses and seals text and appends the envelope to *ret, whose limit should be
 * SH_ENVELOPE_MAX. The caller sets kind, id, time, names, digest, part and parts in *header; the
 * function sets the rest. SH_E_LIMIT, SH_E_MEMORY, SH_E_REFUSED for an invalid name.
 */
sh_err sh_envelope_seal(sh_envelope_header *header, const sh_node_key *key, sh_slice text,
                        sh_buf *ret, sh_error *error);

/*
 * The same for a hub that seals an item received in NetAlertX's format: also sets header->digest,
 * to the digest of the compressed text. It distinguishes texts as well and is 25 times faster.
 */
sh_err sh_envelope_seal_and_digest(sh_envelope_header *header, const sh_node_key *key,
                                   sh_slice text, sh_buf *ret, sh_error *error);

/*
 * Parses the cleartext header of an envelope and checks it against all limits and the envelope's
 * length. It needs no key, so the header is not authenticated. SH_E_FORMAT, SH_E_LIMIT,
 * SH_E_UNSUPPORTED for another version, SH_E_REFUSED for an invalid name: ret->node is "" if the
 * node's name is invalid, and set if only the plugin's is.
 */
sh_err sh_envelope_peek(sh_slice envelope, sh_envelope_header *ret, sh_error *error);

/*
 * The key that identifies an item on the hub: BLAKE2b-128 of node name, NUL and id. The id alone
 * does not suffice, because a sender can choose the id of another node's item.
 */
void sh_item_key(const sh_envelope_header *header, uint8_t ret[static SH_ID_BYTES]);

/*
 * sh_envelope_peek() for an envelope of len bytes of which only the first bytes are available: all
 * of it, or at least SH_ENVELOPE_HEAD_BYTES, which include names of any length.
 */
#define SH_ENVELOPE_HEAD_BYTES (SH_ENVELOPE_FIXED_BYTES + 255 + 255)
sh_err sh_envelope_peek_head(sh_slice head, size_t len, sh_envelope_header *ret, sh_error *error);

/*
 * Gets the node's name from the first bytes of a body that was not validated, for the log message
 * of its refusal. *node borrows from head. False if there is none.
 */
bool sh_envelope_claimed_node(sh_slice head, sh_slice *node);

/*
 * Authenticates, decrypts and decompresses an envelope and appends its text to *ret. header is the
 * result of sh_envelope_peek(). SH_E_CRYPTO if it was sealed with another key or altered,
 * SH_E_FORMAT, SH_E_LIMIT, SH_E_MEMORY.
 */
sh_err sh_envelope_open(sh_slice envelope, const sh_envelope_header *header, const sh_node_key *key,
                        sh_buf *ret, sh_error *error);

/*
 * Verifies that an envelope was sealed with this key and not altered, without decrypting or
 * decompressing it. SH_E_CRYPTO.
 */
sh_err sh_envelope_verify(sh_slice envelope, const sh_envelope_header *header,
                          const sh_node_key *key, sh_error *error);

typedef struct {
    const sh_node_key *from, *to;
} sh_reseal_keys;

/*
 * Seals an envelope again with another key of the same node, without decompressing it, and appends
 * it to *ret. Changes only the key id in *header, and only on success. Errors as above.
 */
sh_err sh_envelope_reseal(sh_slice envelope, sh_envelope_header *header, const sh_reseal_keys *keys,
                          sh_buf *ret, sh_error *error);

#endif
