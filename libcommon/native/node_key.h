/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_NODE_KEY_H
#define SH_NODE_KEY_H

#include "libcommon/base/buffer.h"
#include "libcommon/base/limits.h"
#include "libcommon/crypto/crypto.h"

#include <stdint.h>

/* Keys derived from the passphrase's key (PROTOCOL.md, section 2). No I/O; thread-safe. */

/* The keys of one node's items, derived from the passphrase's key and the node's name. */
typedef struct {
    uint8_t seal[SH_KEY_BYTES];
    uint8_t digest[SH_KEY_BYTES];
    uint8_t id[SH_KEY_ID_BYTES]; /* identifies the key without revealing it */
} sh_node_key;

void sh_node_key_derive(const uint8_t passphrase_key[static SH_KEY_BYTES], sh_slice node,
                        sh_node_key *ret);

/*
 * A check value with which the hub's programs detect that their passphrases differ: a keyed hash of
 * a fixed text, in hex. It does not reveal the key.
 */
#define SH_KEY_CHECK_HEX_BYTES 33
void sh_key_check(const uint8_t passphrase_key[static SH_KEY_BYTES],
                  char ret[static SH_KEY_CHECK_HEX_BYTES]);

/* The digest that identifies an unchanged text: BLAKE2b-256 keyed with key->digest. */
void sh_digest(const sh_node_key *key, sh_slice text, uint8_t ret[static SH_DIGEST_BYTES]);

#endif
