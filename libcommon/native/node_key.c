/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/native/node_key.h"

#include "libcommon/base/hex.h"

#include <assert.h>
#include <string.h>

static void derive(const uint8_t *key, const char *label, sh_slice node, uint8_t *ret, size_t len)
{
    char text[32 + SH_NODE_NAME_MAX];
    size_t label_len = strlen(label);
    assert(label_len + node.len <= sizeof text);
    memcpy(text, label, label_len);
    if (node.len > 0)
        memcpy(text + label_len, node.data, node.len);
    sh_keyed_hash(key, (sh_slice){text, label_len + node.len}, ret, len);
}

void sh_node_key_derive(const uint8_t passphrase_key[static SH_KEY_BYTES], sh_slice node,
                        sh_node_key *ret)
{
    assert(node.len <= SH_NODE_NAME_MAX);
    uint8_t id[16]; /* the shortest BLAKE2b of libsodium; the key id is its first half */
    derive(passphrase_key, "synchub 1 seal ", node, ret->seal, SH_KEY_BYTES);
    derive(passphrase_key, "synchub 1 digest ", node, ret->digest, SH_KEY_BYTES);
    derive(ret->seal, "synchub 1 key id", (sh_slice){NULL, 0}, id, sizeof id);
    memcpy(ret->id, id, SH_KEY_ID_BYTES);
}

void sh_key_check(const uint8_t passphrase_key[static SH_KEY_BYTES],
                  char ret[static SH_KEY_CHECK_HEX_BYTES])
{
    uint8_t check[(SH_KEY_CHECK_HEX_BYTES - 1) / 2];
    derive(passphrase_key, "synchub 1 hub key check", (sh_slice){NULL, 0}, check, sizeof check);
    sh_hex_encode(check, sizeof check, ret);
}

void sh_digest(const sh_node_key *key, sh_slice text, uint8_t ret[static SH_DIGEST_BYTES])
{
    sh_keyed_hash(key->digest, text, ret, SH_DIGEST_BYTES);
}
