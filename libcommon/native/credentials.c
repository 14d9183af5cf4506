/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/native/credentials.h"

#include "libcommon/base/hex.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

/*
 * Versions of a record. Version 1 predates the restriction to the native format, so it stands for
 * nodes that may use both formats. The rest of a record is the same in both versions.
 */
#define RECORD_ANY_FORMAT 1
#define RECORD_NATIVE 2
#define SECRET_LEN (SH_SECRET_TEXT_BYTES - 1)
#define PREFIX_LEN (sizeof SH_RANDOM_KEY_PREFIX - 1)
#define ASSOCIATED_MAX (64 + SH_NODE_NAME_MAX)

static const char sealing_label[] = "synchub 1 node credentials";

/* --- One credential -------------------------------------------------------------------------- */

void sh_credential_key_derive(const uint8_t passphrase_key[static SH_KEY_BYTES],
                              uint8_t ret[static SH_KEY_BYTES])
{
    sh_keyed_hash(passphrase_key, sh_slice_of(sealing_label), ret, SH_KEY_BYTES);
}

void sh_credential_hash_token(sh_slice token, uint8_t ret[static SH_DIGEST_BYTES])
{
    sh_keyed_hash(NULL, token, ret, SH_DIGEST_BYTES);
}

/* The associated data binds a sealed credential to its node and to its token's hash. */
static size_t write_associated_data(const char *node, const uint8_t hash[static SH_DIGEST_BYTES],
                                    char ret[static ASSOCIATED_MAX])
{
    size_t node_len = strlen(node);
    size_t at = sizeof sealing_label;
    assert(at + SH_DIGEST_BYTES + node_len <= ASSOCIATED_MAX);
    memcpy(ret, sealing_label, at);
    memcpy(ret + at, hash, SH_DIGEST_BYTES);
    memcpy(ret + at + SH_DIGEST_BYTES, node, node_len);
    return at + SH_DIGEST_BYTES + node_len;
}

typedef struct {
    uint8_t key[SH_KEY_BYTES];
    char key_text[SECRET_LEN]; /* its 32 bytes again, or the passphrase it was derived from */
    char token[SECRET_LEN];
} sealed_secrets;
static_assert(sizeof(sealed_secrets) == SH_CREDENTIAL_PLAIN_BYTES, "PROTOCOL.md, section 5");

/* Seals the secrets for the node and the hash that credential has. */
static void seal_secrets(const uint8_t sealing_key[static SH_KEY_BYTES], const char *node,
                         const sealed_secrets *secrets, sh_credential *credential)
{
    char associated[ASSOCIATED_MAX];
    size_t associated_len = write_associated_data(node, credential->token_hash, associated);
    sh_random(credential->sealed, SH_NONCE_BYTES);
    sh_aead_seal(sealing_key, credential->sealed, (sh_slice){associated, associated_len},
                 (sh_slice){(const char *)secrets, sizeof *secrets},
                 credential->sealed + SH_NONCE_BYTES);
}

/* The two texts of 43 characters. */
static void set_texts(sealed_secrets *secrets, const char *key_text, const char *token)
{
    memcpy(secrets->key_text, key_text, SECRET_LEN);
    memcpy(secrets->token, token, SECRET_LEN);
}

static sh_err make_key(sh_key_kind kind, sh_node_secrets *ret, sh_error *error)
{
    if (kind == SH_MAKE_PASSPHRASE) {
        sh_random_secret(ret->encryption_key);
        return sh_key_from_passphrase(sh_slice_of(ret->encryption_key), ret->passphrase_key, error);
    }
    sh_random(ret->passphrase_key, SH_KEY_BYTES);
    sh_random_key_write(ret->passphrase_key, ret->encryption_key);
    return SH_OK;
}

sh_err sh_credential_make(const uint8_t sealing_key[static SH_KEY_BYTES], const char *node,
                          sh_key_kind kind, int64_t now_ms, sh_issued_credential *ret,
                          sh_error *error)
{
    sh_node_secrets *secrets = &ret->secrets;
    sealed_secrets plain;
    sh_err err = make_key(kind, secrets, error);
    if (err != SH_OK)
        return err;
    sh_random_secret(secrets->token);
    memcpy(plain.key, secrets->passphrase_key, SH_KEY_BYTES);
    set_texts(&plain, secrets->encryption_key + (kind == SH_MAKE_RANDOM_KEY ? PREFIX_LEN : 0),
              secrets->token);
    ret->credential = (sh_credential){.since_ms = now_ms};
    sh_credential_hash_token(sh_slice_of(secrets->token), ret->credential.token_hash);
    seal_secrets(sealing_key, node, &plain, &ret->credential);
    sh_wipe(&plain, sizeof plain);
    return SH_OK;
}

void sh_credential_make_shared(const uint8_t sealing_key[static SH_KEY_BYTES], const char *node,
                               int64_t now_ms, int64_t until_ms, sh_credential *ret)
{
    sealed_secrets plain;
    char texts[2][SH_SECRET_TEXT_BYTES];
    sh_random_secret(texts[0]);
    sh_random_secret(texts[1]);
    sh_random(plain.key, sizeof plain.key);
    set_texts(&plain, texts[0], texts[1]);
    *ret = (sh_credential){.since_ms = now_ms, .until_ms = until_ms};
    seal_secrets(sealing_key, node, &plain, ret);
    sh_wipe(&plain, sizeof plain);
    sh_wipe(texts, sizeof texts);
}

/* The text of SYNC_encryption_key: that of the key itself, or the passphrase it was derived from.
 */
static void write_key_text(const sealed_secrets *secrets,
                           char ret[static SH_ENCRYPTION_KEY_TEXT_BYTES])
{
    sh_random_key_write(secrets->key, ret);
    if (sh_secret_equals((sh_slice){ret + PREFIX_LEN, SECRET_LEN},
                         (sh_slice){secrets->key_text, SECRET_LEN}))
        return;
    memcpy(ret, secrets->key_text, SECRET_LEN);
    ret[SECRET_LEN] = '\0';
}

sh_err sh_credential_open(const uint8_t sealing_key[static SH_KEY_BYTES], const char *node,
                          const sh_credential *credential, sh_node_secrets *ret, sh_error *error)
{
    char associated[ASSOCIATED_MAX];
    sealed_secrets plain;
    size_t associated_len = write_associated_data(node, credential->token_hash, associated);
    sh_slice sealed = {(const char *)credential->sealed + SH_NONCE_BYTES,
                       SH_CREDENTIAL_SEALED_BYTES - SH_NONCE_BYTES};
    if (sh_aead_open(sealing_key, credential->sealed, (sh_slice){associated, associated_len},
                     sealed, (uint8_t *)&plain) != SH_OK)
        return sh_fail(error, SH_E_CONFIG,
                       "the credentials of node %s do not open with this hub's "
                       "SYNC_encryption_key: they were created with another one; create new ones "
                       "with `synchub-receiver node rotate`",
                       node);
    *ret = (sh_node_secrets){.token = ""};
    memcpy(ret->passphrase_key, plain.key, SH_KEY_BYTES);
    memcpy(ret->token, plain.token, SECRET_LEN);
    write_key_text(&plain, ret->encryption_key);
    sh_wipe(&plain, sizeof plain);
    return SH_OK;
}

bool sh_credential_is_valid(const sh_credential *credential, int64_t now_ms)
{
    if (credential->until_ms == 0)
        return true;
    /* A later expiry than any rotation sets was written under a clock that was ahead. */
    int64_t left_ms = credential->until_ms - now_ms;
    return left_ms > 0 && left_ms <= SH_NODE_ROTATE_OVERLAP_MAX_S * INT64_C(1000);
}

/*
 * --- A node's record ---------------------------------------------------------------------------
 * `version created revoked count`, then ` since until hash sealed` for each credential. One whose
 * hash is zero, which no token has, stands for the hub's shared token and key.
 */

static bool is_shared(const sh_credential *credential)
{
    static const uint8_t none[SH_DIGEST_BYTES];
    return memcmp(credential->token_hash, none, sizeof none) == 0;
}

bool sh_node_record_takes_shared(const sh_node_record *record, int64_t now_ms)
{
    return record->revoked_ms == 0 && record->shared.until_ms > 0 &&
           sh_credential_is_valid(&record->shared, now_ms);
}

sh_err sh_node_record_find_key(const sh_node_record *record,
                               const uint8_t sealing_key[static SH_KEY_BYTES],
                               const uint8_t id[static SH_KEY_ID_BYTES], int64_t now_ms,
                               sh_node_key *ret, sh_error *error)
{
    for (size_t i = 0; i < record->count; i++) {
        sh_node_secrets secrets;
        if (!sh_credential_is_valid(&record->items[i], now_ms))
            continue;
        sh_err err =
            sh_credential_open(sealing_key, record->node, &record->items[i], &secrets, error);
        if (err != SH_OK)
            return err;
        sh_node_key_derive(secrets.passphrase_key, sh_slice_of(record->node), ret);
        sh_wipe(&secrets, sizeof secrets);
        if (memcmp(ret->id, id, SH_KEY_ID_BYTES) == 0)
            return SH_OK;
    }
    return SH_E_NOT_FOUND;
}

sh_err sh_node_record_add(sh_node_record *record, const sh_credential *credential, int64_t now_ms,
                          sh_error *error)
{
    sh_node_record kept = *record;
    /* What was shared is kept when it has ended, too, for messages, but only if there is room. */
    size_t most = SH_NODE_CREDENTIALS_MAX - sh_node_record_takes_shared(record, now_ms);
    kept.count = 0;
    kept.items[kept.count++] = *credential;
    for (size_t i = 0; i < record->count; i++) {
        if (!sh_credential_is_valid(&record->items[i], now_ms))
            continue;
        if (kept.count == most)
            return sh_fail(error, SH_E_LIMIT,
                           "node %s has %d valid tokens: wait until the oldest expires, or revoke "
                           "the node and add it again",
                           record->node, SH_NODE_CREDENTIALS_MAX);
        kept.items[kept.count++] = record->items[i];
    }
    if (kept.count == SH_NODE_CREDENTIALS_MAX)
        kept.shared = (sh_credential){.until_ms = 0};
    *record = kept;
    return SH_OK;
}

static sh_err write_credential(const sh_credential *credential, sh_buf *ret)
{
    char hash[SH_DIGEST_HEX_BYTES], sealed[2 * SH_CREDENTIAL_SEALED_BYTES + 1];
    sh_hex_encode(credential->token_hash, SH_DIGEST_BYTES, hash);
    sh_hex_encode(credential->sealed, SH_CREDENTIAL_SEALED_BYTES, sealed);
    return sh_buf_append_format(ret, " %" PRId64 " %" PRId64 " %s %s", credential->since_ms,
                                credential->until_ms, hash, sealed);
}

sh_err sh_node_record_write(const sh_node_record *record, sh_buf *ret)
{
    bool shared = record->shared.until_ms > 0;
    sh_err err =
        sh_buf_append_format(ret, "%d %" PRId64 " %" PRId64 " %zu",
                             record->netalertx ? RECORD_ANY_FORMAT : RECORD_NATIVE,
                             record->created_ms, record->revoked_ms, record->count + shared);
    for (size_t i = 0; i < record->count && err == SH_OK; i++)
        err = write_credential(&record->items[i], ret);
    return err == SH_OK && shared ? write_credential(&record->shared, ret) : err;
}

/* Removes the next word, up to a space or the end, from *text and returns it. */
static sh_slice next_word(sh_slice *text)
{
    const char *space = text->len == 0 ? NULL : memchr(text->data, ' ', text->len);
    sh_slice word = {text->data, space == NULL ? text->len : (size_t)(space - text->data)};
    size_t used = word.len + (space == NULL ? 0 : 1);
    text->data += used;
    text->len -= used;
    return word;
}

static bool read_number(sh_slice *text, uint64_t max, int64_t *ret)
{
    uint64_t number = 0;
    if (!sh_text_to_u64(next_word(text), max, &number))
        return false;
    *ret = (int64_t)number;
    return true;
}

static bool read_record(sh_slice text, sh_node_record *ret)
{
    int64_t version = 0, count = 0;
    if (!read_number(&text, RECORD_NATIVE, &version) || version < RECORD_ANY_FORMAT ||
        !read_number(&text, INT64_MAX, &ret->created_ms) ||
        !read_number(&text, INT64_MAX, &ret->revoked_ms) ||
        !read_number(&text, SH_NODE_CREDENTIALS_MAX, &count))
        return false;
    for (int64_t i = 0; i < count; i++) {
        sh_credential *item = &ret->items[ret->count];
        if (!read_number(&text, INT64_MAX, &item->since_ms) ||
            !read_number(&text, INT64_MAX, &item->until_ms) ||
            !sh_hex_decode(next_word(&text), item->token_hash, SH_DIGEST_BYTES) ||
            !sh_hex_decode(next_word(&text), item->sealed, SH_CREDENTIAL_SEALED_BYTES))
            return false;
        if (is_shared(item))
            ret->shared = *item;
        else
            ret->count++;
    }
    ret->netalertx = version == RECORD_ANY_FORMAT;
    return text.len == 0;
}

void sh_node_record_read(sh_slice node, sh_slice text, sh_node_record *ret)
{
    *ret = (sh_node_record){.count = 0};
    if (!read_record(text, ret))
        *ret = (sh_node_record){.unreadable = true};
    size_t len = node.len < sizeof ret->node ? node.len : sizeof ret->node - 1;
    if (len > 0)
        memcpy(ret->node, node.data, len);
    ret->node[len] = '\0';
}
