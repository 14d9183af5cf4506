/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_ENVELOPE_H
#define SH_ENVELOPE_H

#include "libcommon/base/buffer.h"
#include "libcommon/base/error.h"
#include "libcommon/base/limits.h"
#include "libcommon/crypto/crypto.h"

#include <stdbool.h>
#include <stdint.h>

/* The native envelope, as PROTOCOL.md specifies it. */

#define SH_ENVELOPE_TYPE "application/vnd.synchub.envelope"
#define SH_ENVELOPE_VERSION 1
#define SH_ENVELOPE_FIXED_BYTES 112 /* header before the names */

typedef enum {
    SH_KIND_DEVICES = 1, /* a whole device table */
    SH_KIND_PLUGIN = 2,  /* one plugin's result */
} sh_kind;

typedef struct {
    sh_kind kind;
    uint8_t id[SH_ID_BYTES]; /* the item's identity: the same in every retry of it */
    int64_t time_ms;         /* when it was sealed, Unix time */
    char node[SH_NODE_NAME_MAX + 1];
    char plugin[SH_PLUGIN_NAME_MAX + 1]; /* "" for a device table */
    uint8_t key_id[SH_KEY_ID_BYTES];
    uint8_t digest[SH_DIGEST_BYTES]; /* keyed, of the whole text: see sh_digest() */
    uint32_t part, parts;            /* 0 of 1, unless a large table was cut */
    uint32_t plain_len;              /* bytes of text */
    uint32_t packed_len;             /* bytes after compression, without the tag */
} sh_envelope_header;

/* What one node's items are sealed with, derived from the passphrase's key and the node's name. */
typedef struct {
    uint8_t seal[SH_KEY_BYTES];
    uint8_t digest[SH_KEY_BYTES];
    uint8_t id[SH_KEY_ID_BYTES]; /* tells keys apart and tells nothing about them */
} sh_node_key;

void sh_node_key_derive(const uint8_t passphrase_key[static SH_KEY_BYTES], sh_slice node,
                        sh_node_key *ret);

/*
 * By which the hub's programs know that they have one passphrase: a keyed hash of a fixed text, in
 * hex. It tells nothing about the key.
 */
#define SH_KEY_CHECK_HEX_BYTES 33
void sh_key_check(const uint8_t passphrase_key[static SH_KEY_BYTES],
                  char ret[static SH_KEY_CHECK_HEX_BYTES]);

/* The digest by which an unchanged text is known: BLAKE2b-256 keyed with key->digest. */
void sh_digest(const sh_node_key *key, sh_slice text, uint8_t ret[static SH_DIGEST_BYTES]);

/*
 * Compresses and seals text for header (kind, id, time, names, digest, part and parts; the rest is
 * filled in). Adds the envelope to *ret, whose limit should be SH_ENVELOPE_MAX. SH_E_LIMIT,
 * SH_E_MEMORY, and SH_E_REFUSED for names that break their rules.
 */
sh_err sh_envelope_seal(sh_envelope_header *header, const sh_node_key *key, sh_slice text,
                        sh_buf *ret, sh_error *error);

/*
 * The same for a hub that seals what it took in another format: header->digest becomes that of the
 * compressed text, which tells tables apart as well and is 25 times less to hash (PROTOCOL.md
 * section 2).
 */
sh_err sh_envelope_seal_and_digest(sh_envelope_header *header, const sh_node_key *key,
                                   sh_slice text, sh_buf *ret, sh_error *error);

/*
 * Reads the clear header of an envelope and checks it against every limit and against len, without
 * any key. What it says is not yet to be trusted. SH_E_FORMAT, SH_E_LIMIT, SH_E_UNSUPPORTED for
 * another version, SH_E_REFUSED for names that break their rules: the node's is "" in *ret where it
 * does, and set where the plugin's does.
 */
sh_err sh_envelope_peek(sh_slice envelope, sh_envelope_header *ret, sh_error *error);

/* The length of the text as an envelope says, which may not even be one: 0 where it is too short.
 */
size_t sh_envelope_text_len(sh_slice envelope);

/*
 * What an item is known by: BLAKE2b-128 of its node's name, a NUL and its id. The id alone is the
 * sender's choice, and another node's could be chosen.
 */
void sh_item_key(const sh_envelope_header *header, uint8_t ret[static SH_ID_BYTES]);

/*
 * The same of an envelope of len bytes of which only the beginning is there: all of it, or
 * SH_ENVELOPE_HEAD_BYTES, which hold the longest names that a header can tell of.
 */
#define SH_ENVELOPE_HEAD_BYTES (SH_ENVELOPE_FIXED_BYTES + 255 + 255)
sh_err sh_envelope_peek_head(sh_slice head, size_t len, sh_envelope_header *ret, sh_error *error);

/*
 * The node's name in the first bytes of what may be an envelope, as it stands there: for the log of
 * one that is refused. False where there is none; *node borrows from head.
 */
bool sh_envelope_claimed_node(sh_slice head, sh_slice *node);

/*
 * Opens an envelope and adds its text to *ret. header is what sh_envelope_peek() gave for it.
 * SH_E_CRYPTO where it was sealed with another key or altered, SH_E_FORMAT, SH_E_LIMIT,
 * SH_E_MEMORY.
 */
sh_err sh_envelope_open(sh_slice envelope, const sh_envelope_header *header, const sh_node_key *key,
                        sh_buf *ret, sh_error *error);

/*
 * Seals an envelope anew with another key of the same node, without unpacking it: the header stays
 * as it is but for the key id. Adds to *ret. Errors as above; header is changed on SH_OK alone.
 */
sh_err sh_envelope_reseal(sh_slice envelope, sh_envelope_header *header, const sh_node_key *from,
                          const sh_node_key *to, sh_buf *ret, sh_error *error);

#endif
