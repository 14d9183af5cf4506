/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/native/envelope.h"

#include "libcommon/base/big_endian.h"
#include "libcommon/base/cleanup.h"
#include "libcommon/base/hex.h"
#include "libcommon/base/node_name.h"
#include "libcommon/crypto/compression.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* Offsets in the header: PROTOCOL.md, section 2. */
enum {
    AT_MAGIC = 0,
    AT_VERSION = 4,
    AT_KIND = 5,
    AT_NODE_LEN = 6,
    AT_PLUGIN_LEN = 7,
    AT_ID = 8,
    AT_TIME = 24,
    AT_KEY_ID = 32,
    AT_DIGEST = 40,
    AT_PART = 72,
    AT_PARTS = 76,
    AT_PLAIN_LEN = 80,
    AT_COMPRESSED_LEN = 84,
    AT_NONCE = 88,
    AT_NODE = SH_ENVELOPE_FIXED_BYTES
};

static const char magic[4] = {'S', 'H', 'U', 'B'};

#define HEADER_MAX (SH_ENVELOPE_FIXED_BYTES + SH_NODE_NAME_MAX + SH_PLUGIN_NAME_MAX)

static_assert(AT_NONCE + SH_NONCE_BYTES == AT_NODE,
              "the nonce is the last field of the fixed part");
static_assert(SH_PLAIN_MAX <= UINT32_MAX, "the text's length fits in its field");

static sh_err check_node(sh_slice node, sh_error *error)
{
    sh_error rule = {0};
    return sh_node_name_check(node, &rule) == SH_OK
               ? SH_OK
               : sh_fail(error, SH_E_REFUSED, "%s", rule.message);
}

static sh_err check_plugin(sh_kind kind, sh_slice plugin, sh_error *error)
{
    sh_error rule = {0};
    if (kind != SH_KIND_PLUGIN)
        return plugin.len == 0
                   ? SH_OK
                   : sh_fail(error, SH_E_FORMAT, "the envelope of a device table names a plugin");
    return sh_plugin_name_check(plugin, &rule) == SH_OK
               ? SH_OK
               : sh_fail(error, SH_E_REFUSED, "%s", rule.message);
}

/* Writes the header and returns its length. */
static size_t write_header(const sh_envelope_header *h, const uint8_t nonce[static SH_NONCE_BYTES],
                           uint8_t ret[static HEADER_MAX])
{
    size_t node_len = strlen(h->node);
    size_t plugin_len = strlen(h->plugin);
    memcpy(ret + AT_MAGIC, magic, sizeof magic);
    ret[AT_VERSION] = SH_ENVELOPE_VERSION;
    ret[AT_KIND] = (uint8_t)h->kind;
    ret[AT_NODE_LEN] = (uint8_t)node_len;
    ret[AT_PLUGIN_LEN] = (uint8_t)plugin_len;
    memcpy(ret + AT_ID, h->id, SH_ID_BYTES);
    sh_big_endian_put(ret + AT_TIME, (uint64_t)h->time_ms, 8);
    memcpy(ret + AT_KEY_ID, h->key_id, SH_KEY_ID_BYTES);
    memcpy(ret + AT_DIGEST, h->digest, SH_DIGEST_BYTES);
    sh_big_endian_put(ret + AT_PART, h->part, 4);
    sh_big_endian_put(ret + AT_PARTS, h->parts, 4);
    sh_big_endian_put(ret + AT_PLAIN_LEN, h->plain_len, 4);
    sh_big_endian_put(ret + AT_COMPRESSED_LEN, h->compressed_len, 4);
    memcpy(ret + AT_NONCE, nonce, SH_NONCE_BYTES);
    memcpy(ret + AT_NODE, h->node, node_len);
    memcpy(ret + AT_NODE + node_len, h->plugin, plugin_len);
    return AT_NODE + node_len + plugin_len;
}

/* Appends the envelope of a complete header and its compressed text. */
static sh_err seal_compressed(const sh_envelope_header *header, const sh_node_key *key,
                              sh_slice compressed, sh_buf *ret, sh_error *error)
{
    uint8_t nonce[SH_NONCE_BYTES];
    uint8_t clear[HEADER_MAX];
    sh_random(nonce, sizeof nonce);
    size_t clear_len = write_header(header, nonce, clear);
    size_t len = clear_len + compressed.len + SH_TAG_BYTES;
    if (len > ret->limit - ret->len)
        return sh_fail(error, SH_E_LIMIT, "the envelope has %zu bytes, more than the limit of %zu",
                       len, ret->limit);
    if (sh_buf_reserve(ret, ret->len + len) != SH_OK)
        return sh_fail(error, SH_E_MEMORY, "no memory to seal %u bytes", header->plain_len);
    char *out = ret->data + ret->len;
    memcpy(out, clear, clear_len);
    sh_aead_seal(key->seal, nonce, (sh_slice){(const char *)clear, clear_len}, compressed,
                 (uint8_t *)out + clear_len);
    ret->len += len;
    ret->data[ret->len] = '\0';
    return SH_OK;
}

/* Validates header and text, compresses the text and completes the header. */
static sh_err check_and_compress(sh_envelope_header *header, const sh_node_key *key, sh_slice text,
                                 sh_buf *compressed, sh_error *error)
{
    sh_err err = check_node(sh_slice_of(header->node), error);
    if (err == SH_OK)
        err = check_plugin(header->kind, sh_slice_of(header->plugin), error);
    if (err != SH_OK)
        return err;
    assert(header->parts >= 1 && header->part < header->parts && header->time_ms >= 0);
    if (text.len > SH_PLAIN_MAX)
        return sh_fail(error, SH_E_LIMIT, "the text has %zu bytes, more than the limit of %lu",
                       text.len, SH_PLAIN_MAX);
    err = sh_compress(text, compressed, error);
    if (err != SH_OK)
        return err;
    header->plain_len = (uint32_t)text.len;
    header->compressed_len = (uint32_t)compressed->len;
    memcpy(header->key_id, key->id, SH_KEY_ID_BYTES);
    return SH_OK;
}

#define COMPRESSED_MAX (SH_ENVELOPE_MAX - HEADER_MAX - SH_TAG_BYTES)

sh_err sh_envelope_seal(sh_envelope_header *header, const sh_node_key *key, sh_slice text,
                        sh_buf *ret, sh_error *error)
{
    SH_CLEANUP(sh_buf_wipe) sh_buf compressed = SH_BUF_INIT(COMPRESSED_MAX);
    sh_err err = check_and_compress(header, key, text, &compressed, error);
    if (err != SH_OK)
        return err;
    return seal_compressed(header, key, (sh_slice){compressed.data, compressed.len}, ret, error);
}

sh_err sh_envelope_seal_and_digest(sh_envelope_header *header, const sh_node_key *key,
                                   sh_slice text, sh_buf *ret, sh_error *error)
{
    SH_CLEANUP(sh_buf_wipe) sh_buf compressed = SH_BUF_INIT(COMPRESSED_MAX);
    sh_err err = check_and_compress(header, key, text, &compressed, error);
    if (err != SH_OK)
        return err;
    sh_digest(key, (sh_slice){compressed.data, compressed.len}, header->digest);
    return seal_compressed(header, key, (sh_slice){compressed.data, compressed.len}, ret, error);
}

/* Reads and validates the fields of the fixed part, except against the envelope's length. */
static sh_err read_fixed(const uint8_t *at, sh_envelope_header *h, sh_error *error)
{
    if (memcmp(at + AT_MAGIC, magic, sizeof magic) != 0)
        return sh_fail(error, SH_E_FORMAT, "this is not a Sync Hub envelope");
    if (at[AT_VERSION] != SH_ENVELOPE_VERSION)
        return sh_fail(error, SH_E_UNSUPPORTED, "the envelope has version %u, supported is %d",
                       at[AT_VERSION], SH_ENVELOPE_VERSION);
    if (at[AT_KIND] != SH_KIND_DEVICES && at[AT_KIND] != SH_KIND_PLUGIN)
        return sh_fail(error, SH_E_FORMAT, "the envelope has an unknown kind, %u", at[AT_KIND]);
    uint64_t time_ms = sh_big_endian_get(at + AT_TIME, 8);
    if (time_ms > INT64_MAX)
        return sh_fail(error, SH_E_FORMAT, "the envelope's time is out of range");
    h->kind = at[AT_KIND];
    memcpy(h->id, at + AT_ID, SH_ID_BYTES);
    h->time_ms = (int64_t)time_ms;
    memcpy(h->key_id, at + AT_KEY_ID, SH_KEY_ID_BYTES);
    memcpy(h->digest, at + AT_DIGEST, SH_DIGEST_BYTES);
    h->part = (uint32_t)sh_big_endian_get(at + AT_PART, 4);
    h->parts = (uint32_t)sh_big_endian_get(at + AT_PARTS, 4);
    h->plain_len = (uint32_t)sh_big_endian_get(at + AT_PLAIN_LEN, 4);
    h->compressed_len = (uint32_t)sh_big_endian_get(at + AT_COMPRESSED_LEN, 4);
    if (h->part >= h->parts)
        return sh_fail(error, SH_E_FORMAT, "the envelope is part %u of %u", h->part, h->parts);
    if (h->parts > (h->kind == SH_KIND_DEVICES ? SH_PARTS_MAX : 1))
        return sh_fail(error, SH_E_LIMIT, "the envelope is one of %u parts, more than allowed",
                       h->parts);
    if (h->plain_len > SH_PLAIN_MAX)
        return sh_fail(error, SH_E_LIMIT,
                       "the envelope's text has %u bytes, more than the limit of %lu", h->plain_len,
                       SH_PLAIN_MAX);
    return SH_OK;
}

sh_err sh_envelope_peek_head(sh_slice head, size_t len, sh_envelope_header *ret, sh_error *error)
{
    *ret = (sh_envelope_header){0};
    assert(head.len == len || head.len >= SH_ENVELOPE_HEAD_BYTES);
    const uint8_t *at = (const uint8_t *)head.data;
    if (len < SH_ENVELOPE_FIXED_BYTES + 1 + SH_TAG_BYTES)
        return sh_fail(error, SH_E_FORMAT, "%zu bytes are too few for an envelope", len);
    if (len > SH_ENVELOPE_MAX)
        return sh_fail(error, SH_E_LIMIT, "the envelope has %zu bytes, more than the limit of %lu",
                       len, SH_ENVELOPE_MAX);
    sh_err err = read_fixed(at, ret, error);
    if (err != SH_OK)
        return err;
    size_t node_len = at[AT_NODE_LEN];
    size_t plugin_len = at[AT_PLUGIN_LEN];
    size_t names = node_len + plugin_len;
    if (len != AT_NODE + names + ret->compressed_len + SH_TAG_BYTES)
        return sh_fail(error, SH_E_FORMAT,
                       "the envelope has %zu bytes, which does not match its header: it was "
                       "truncated or extended",
                       len);
    sh_slice node = {head.data + AT_NODE, node_len};
    sh_slice plugin = {head.data + AT_NODE + node_len, plugin_len};
    err = check_node(node, error);
    if (err != SH_OK)
        return err;
    memcpy(ret->node, node.data, node.len);
    err = check_plugin(ret->kind, plugin, error);
    if (err != SH_OK)
        return err;
    memcpy(ret->plugin, plugin.data, plugin.len);
    return SH_OK;
}

bool sh_envelope_claimed_node(sh_slice head, sh_slice *node)
{
    if (head.len <= SH_ENVELOPE_FIXED_BYTES || memcmp(head.data, magic, sizeof magic) != 0)
        return false;
    size_t len = (uint8_t)head.data[AT_NODE_LEN];
    *node = (sh_slice){head.data + AT_NODE, len};
    return len <= head.len - AT_NODE;
}

sh_err sh_envelope_peek(sh_slice envelope, sh_envelope_header *ret, sh_error *error)
{
    return sh_envelope_peek_head(envelope, envelope.len, ret, error);
}

static sh_err fail_foreign(sh_error *error)
{
    return sh_fail(error, SH_E_CRYPTO, "it was sealed with another key");
}

static sh_err fail_altered(sh_error *error)
{
    return sh_fail(error, SH_E_CRYPTO, "it was altered after it was sealed");
}

/* The authenticated header of an envelope of this length, and the rest. */
static void split(sh_slice envelope, const sh_envelope_header *header, sh_slice *clear,
                  sh_slice *sealed)
{
    size_t clear_len = AT_NODE + strlen(header->node) + strlen(header->plugin);
    assert(envelope.len == clear_len + header->compressed_len + SH_TAG_BYTES);
    *clear = (sh_slice){envelope.data, clear_len};
    *sealed = (sh_slice){envelope.data + clear_len, envelope.len - clear_len};
}

sh_err sh_envelope_verify(sh_slice envelope, const sh_envelope_header *header,
                          const sh_node_key *key, sh_error *error)
{
    sh_slice clear, sealed;
    if (memcmp(header->key_id, key->id, SH_KEY_ID_BYTES) != 0)
        return fail_foreign(error);
    split(envelope, header, &clear, &sealed);
    sh_err err =
        sh_aead_verify(key->seal, (const uint8_t *)envelope.data + AT_NONCE, clear, sealed);
    return err == SH_OK ? SH_OK : fail_altered(error);
}

/* Authenticates and decrypts into *compressed, which must be empty. */
static sh_err open_compressed(sh_slice envelope, const sh_envelope_header *header,
                              const sh_node_key *key, sh_buf *compressed, sh_error *error)
{
    if (memcmp(header->key_id, key->id, SH_KEY_ID_BYTES) != 0)
        return fail_foreign(error);
    sh_slice clear, sealed;
    split(envelope, header, &clear, &sealed);
    if (sh_buf_reserve(compressed, header->compressed_len) != SH_OK)
        return sh_fail(error, SH_E_MEMORY, "no memory for an envelope of %zu bytes", envelope.len);
    sh_err err = sh_aead_open(key->seal, (const uint8_t *)envelope.data + AT_NONCE, clear, sealed,
                              (uint8_t *)compressed->data);
    return err == SH_OK ? SH_OK : fail_altered(error);
}

sh_err sh_envelope_open(sh_slice envelope, const sh_envelope_header *header, const sh_node_key *key,
                        sh_buf *ret, sh_error *error)
{
    SH_CLEANUP(sh_buf_reset) sh_buf compressed = SH_BUF_INIT(SH_ENVELOPE_MAX);
    sh_err err = open_compressed(envelope, header, key, &compressed, error);
    if (err != SH_OK)
        return err;
    return sh_decompress((sh_slice){compressed.data, header->compressed_len}, header->plain_len,
                         ret, error);
}

sh_err sh_envelope_reseal(sh_slice envelope, sh_envelope_header *header, const sh_reseal_keys *keys,
                          sh_buf *ret, sh_error *error)
{
    SH_CLEANUP(sh_buf_reset) sh_buf compressed = SH_BUF_INIT(SH_ENVELOPE_MAX);
    sh_err err = open_compressed(envelope, header, keys->from, &compressed, error);
    if (err != SH_OK)
        return err;
    sh_envelope_header changed = *header;
    memcpy(changed.key_id, keys->to->id, SH_KEY_ID_BYTES);
    err = seal_compressed(&changed, keys->to, (sh_slice){compressed.data, header->compressed_len},
                          ret, error);
    if (err == SH_OK)
        *header = changed;
    return err;
}

void sh_item_key(const sh_envelope_header *header, uint8_t ret[static SH_ID_BYTES])
{
    char text[sizeof header->node + SH_ID_BYTES];
    size_t len = strlen(header->node) + 1;
    memcpy(text, header->node, len);
    memcpy(text + len, header->id, SH_ID_BYTES);
    sh_keyed_hash(NULL, (sh_slice){text, len + SH_ID_BYTES}, ret, SH_ID_BYTES);
}
