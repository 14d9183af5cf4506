/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/native/credentials.h"

#include "libcommon/base/hex.h"
#include "libcommon/native/name_lookalike.h"
#include "libcommon/native/node_name.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/*
 * Versions of a record. Version 1 predates the restriction to the native format, so it stands for
 * nodes that may use both formats. The rest of a record is the same in both versions.
 */
#define RECORD_ANY_FORMAT 1
#define RECORD_NATIVE 2
#define SECRET_LEN (SH_SECRET_TEXT_BYTES - 1)
#define ASSOCIATED_MAX (64 + SH_NODE_NAME_MAX)

static const char sealing_label[] = "synchub 1 node credentials";

typedef struct {
    uint8_t hash[SH_DIGEST_BYTES];
    size_t record, item;
} token_entry;

/* One of the two keys of a node's name; see make_name_keys(). */
typedef struct {
    uint64_t key;
    size_t record;
} name_entry;

struct sh_credentials {
    sh_node_record *records; /* sorted by name after sh_credentials_index() */
    size_t count, capacity;
    token_entry *tokens; /* sorted by hash */
    size_t tokens_count;
    name_entry *names; /* sorted by key; two for each record with a valid name */
    size_t names_count;
};

/* --- One credential -------------------------------------------------------------------------- */

void sh_credential_key_derive(const uint8_t passphrase_key[static SH_KEY_BYTES],
                              uint8_t ret[static SH_KEY_BYTES])
{
    sh_keyed_hash(passphrase_key, sh_slice_of(sealing_label), ret, SH_KEY_BYTES);
}

static void hash_token(sh_slice token, uint8_t ret[static SH_DIGEST_BYTES])
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

sh_err sh_credential_make(const uint8_t sealing_key[static SH_KEY_BYTES], const char *node,
                          int64_t now_ms, sh_issued_credential *ret, sh_error *error)
{
    char associated[ASSOCIATED_MAX];
    uint8_t plain[SH_CREDENTIAL_PLAIN_BYTES];
    sh_credential *credential = &ret->credential;
    sh_node_secrets *secrets = &ret->secrets;
    sh_random_secret(secrets->token);
    sh_random_secret(secrets->passphrase);
    sh_err err =
        sh_key_from_passphrase(sh_slice_of(secrets->passphrase), secrets->passphrase_key, error);
    if (err != SH_OK)
        return err;
    *credential = (sh_credential){.since_ms = now_ms};
    hash_token(sh_slice_of(secrets->token), credential->token_hash);
    size_t associated_len = write_associated_data(node, credential->token_hash, associated);
    memcpy(plain, secrets->passphrase_key, SH_KEY_BYTES);
    memcpy(plain + SH_KEY_BYTES, secrets->passphrase, SECRET_LEN);
    memcpy(plain + SH_KEY_BYTES + SECRET_LEN, secrets->token, SECRET_LEN);
    sh_random(credential->sealed, SH_NONCE_BYTES);
    sh_aead_seal(sealing_key, credential->sealed, (sh_slice){associated, associated_len},
                 (sh_slice){(const char *)plain, sizeof plain},
                 credential->sealed + SH_NONCE_BYTES);
    sh_wipe(plain, sizeof plain);
    return SH_OK;
}

sh_err sh_credential_open(const uint8_t sealing_key[static SH_KEY_BYTES], const char *node,
                          const sh_credential *credential, sh_node_secrets *ret, sh_error *error)
{
    char associated[ASSOCIATED_MAX];
    uint8_t plain[SH_CREDENTIAL_PLAIN_BYTES];
    size_t associated_len = write_associated_data(node, credential->token_hash, associated);
    sh_slice sealed = {(const char *)credential->sealed + SH_NONCE_BYTES,
                       SH_CREDENTIAL_SEALED_BYTES - SH_NONCE_BYTES};
    if (sh_aead_open(sealing_key, credential->sealed, (sh_slice){associated, associated_len},
                     sealed, plain) != SH_OK)
        return sh_fail(error, SH_E_CONFIG,
                       "the credentials of node %s do not open with this hub's "
                       "SYNC_encryption_key: they were created with another one; create new ones "
                       "with `synchub-receiver node rotate`",
                       node);
    *ret = (sh_node_secrets){.token = ""};
    memcpy(ret->passphrase_key, plain, SH_KEY_BYTES);
    memcpy(ret->passphrase, plain + SH_KEY_BYTES, SECRET_LEN);
    memcpy(ret->token, plain + SH_KEY_BYTES + SECRET_LEN, SECRET_LEN);
    sh_wipe(plain, sizeof plain);
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
 * `version created revoked count`, then ` since until hash sealed` for each credential.
 */

sh_err sh_node_record_add(sh_node_record *record, const sh_credential *credential, int64_t now_ms,
                          sh_error *error)
{
    sh_node_record kept = *record;
    kept.count = 0;
    kept.items[kept.count++] = *credential;
    for (size_t i = 0; i < record->count; i++) {
        if (!sh_credential_is_valid(&record->items[i], now_ms))
            continue;
        if (kept.count == SH_NODE_CREDENTIALS_MAX)
            return sh_fail(error, SH_E_LIMIT,
                           "node %s has %d valid tokens: wait until the oldest expires, or revoke "
                           "the node and add it again",
                           record->node, SH_NODE_CREDENTIALS_MAX);
        kept.items[kept.count++] = record->items[i];
    }
    *record = kept;
    return SH_OK;
}

sh_err sh_node_record_write(const sh_node_record *record, sh_buf *ret)
{
    sh_err err = sh_buf_append_format(ret, "%d %" PRId64 " %" PRId64 " %zu",
                                      record->netalertx ? RECORD_ANY_FORMAT : RECORD_NATIVE,
                                      record->created_ms, record->revoked_ms, record->count);
    for (size_t i = 0; i < record->count && err == SH_OK; i++) {
        char hash[SH_DIGEST_HEX_BYTES], sealed[2 * SH_CREDENTIAL_SEALED_BYTES + 1];
        sh_hex_encode(record->items[i].token_hash, SH_DIGEST_BYTES, hash);
        sh_hex_encode(record->items[i].sealed, SH_CREDENTIAL_SEALED_BYTES, sealed);
        err = sh_buf_append_format(ret, " %" PRId64 " %" PRId64 " %s %s", record->items[i].since_ms,
                                   record->items[i].until_ms, hash, sealed);
    }
    return err;
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
        sh_credential *item = &ret->items[i];
        if (!read_number(&text, INT64_MAX, &item->since_ms) ||
            !read_number(&text, INT64_MAX, &item->until_ms) ||
            !sh_hex_decode(next_word(&text), item->token_hash, SH_DIGEST_BYTES) ||
            !sh_hex_decode(next_word(&text), item->sealed, SH_CREDENTIAL_SEALED_BYTES))
            return false;
    }
    ret->netalertx = version == RECORD_ANY_FORMAT;
    ret->count = (size_t)count;
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

/* --- The table ------------------------------------------------------------------------------- */

sh_err sh_credentials_new(sh_credentials **ret, sh_error *error)
{
    *ret = calloc(1, sizeof **ret);
    return *ret != NULL ? SH_OK
                        : sh_fail(error, SH_E_MEMORY, "no memory for the nodes' credentials");
}

void sh_credentials_free(sh_credentials *all)
{
    if (all == NULL)
        return;
    free(all->records);
    free(all->tokens);
    free(all->names);
    free(all);
}

sh_err sh_credentials_add(sh_credentials *all, sh_slice node, sh_slice text, sh_error *error)
{
    if (all->count == SH_NODES_MAX)
        return sh_fail(error, SH_E_LIMIT, "more than %d nodes have credentials", SH_NODES_MAX);
    if (all->count == all->capacity) {
        size_t capacity = all->capacity == 0 ? 16 : 2 * all->capacity;
        sh_node_record *records = reallocarray(all->records, capacity, sizeof *records);
        if (records == NULL)
            return sh_fail(error, SH_E_MEMORY, "no memory for the nodes' credentials");
        all->records = records;
        all->capacity = capacity;
    }
    sh_node_record_read(node, text, &all->records[all->count++]);
    return SH_OK;
}

static int compare_nodes(const void *a, const void *b)
{
    return strcmp(((const sh_node_record *)a)->node, ((const sh_node_record *)b)->node);
}

static int compare_hashes(const void *a, const void *b)
{
    return memcmp(((const token_entry *)a)->hash, ((const token_entry *)b)->hash, SH_DIGEST_BYTES);
}

static int compare_keys(const void *a, const void *b)
{
    uint64_t x = ((const name_entry *)a)->key, y = ((const name_entry *)b)->key;
    return x < y ? -1 : x > y;
}

/* Writes both keys of a name; the lowest bit is 0 for the first and 1 for the second. */
static void make_name_keys(const char *node, uint64_t ret[static 2])
{
    sh_name_keys keys = sh_name_keys_of(sh_slice_of(node));
    ret[0] = keys.glyph_first & ~UINT64_C(1);
    ret[1] = keys.case_first | 1;
}

/* Requires sorted records. */
static sh_err index_names(sh_credentials *all, sh_error *error)
{
    name_entry *names = calloc(2 * all->count + 1, sizeof *names);
    if (names == NULL)
        return sh_fail(error, SH_E_MEMORY, "no memory for the nodes' credentials");
    size_t count = 0;
    for (size_t i = 0; i < all->count; i++) {
        uint64_t keys[2];
        if (sh_node_name_check(sh_slice_of(all->records[i].node), NULL) != SH_OK)
            continue;
        make_name_keys(all->records[i].node, keys);
        for (size_t k = 0; k < 2; k++)
            names[count++] = (name_entry){.key = keys[k], .record = i};
    }
    qsort(names, count, sizeof names[0], compare_keys);
    free(all->names);
    all->names = names;
    all->names_count = count;
    return SH_OK;
}

const sh_node_record *sh_credentials_find_lookalike(const sh_credentials *all, const char *node)
{
    uint64_t keys[2];
    if (all->names_count == 0)
        return NULL;
    make_name_keys(node, keys);
    for (size_t k = 0; k < 2; k++) {
        name_entry key = {.key = keys[k]};
        const name_entry *found =
            bsearch(&key, all->names, all->names_count, sizeof all->names[0], compare_keys);
        while (found != NULL && found > all->names && found[-1].key == keys[k])
            found--;
        for (; found != NULL && found < all->names + all->names_count && found->key == keys[k];
             found++)
            if (strcmp(all->records[found->record].node, node) != 0)
                return &all->records[found->record];
    }
    return NULL;
}

sh_err sh_credentials_index(sh_credentials *all, sh_error *error)
{
    size_t count = 0;
    for (size_t i = 0; i < all->count; i++)
        count += all->records[i].count;
    token_entry *tokens = calloc(count + 1, sizeof *tokens);
    if (tokens == NULL)
        return sh_fail(error, SH_E_MEMORY, "no memory for the nodes' credentials");
    if (all->count > 0)
        qsort(all->records, all->count, sizeof all->records[0], compare_nodes);
    size_t at = 0;
    for (size_t i = 0; i < all->count; i++) {
        for (size_t item = 0; item < all->records[i].count; item++, at++) {
            tokens[at].record = i;
            tokens[at].item = item;
            memcpy(tokens[at].hash, all->records[i].items[item].token_hash, SH_DIGEST_BYTES);
        }
    }
    qsort(tokens, count, sizeof tokens[0], compare_hashes);
    free(all->tokens);
    all->tokens = tokens;
    all->tokens_count = count;
    return index_names(all, error);
}

size_t sh_credentials_count(const sh_credentials *all)
{
    return all->count;
}

const sh_node_record *sh_credentials_at(const sh_credentials *all, size_t index)
{
    assert(index < all->count);
    return &all->records[index];
}

const sh_node_record *sh_credentials_find_node(const sh_credentials *all, const char *node,
                                               size_t *index)
{
    sh_node_record key = {.count = 0};
    if (all->count == 0 || strlen(node) >= sizeof key.node)
        return NULL;
    (void)memcpy(key.node, node, strlen(node) + 1);
    const sh_node_record *found =
        bsearch(&key, all->records, all->count, sizeof all->records[0], compare_nodes);
    if (found != NULL && index != NULL)
        *index = (size_t)(found - all->records);
    return found;
}

/*
 * The binary search is not constant-time. That reveals nothing useful: an attacker cannot choose
 * the hash of a token.
 */
const sh_node_record *sh_credentials_find_token(const sh_credentials *all, sh_slice token,
                                                int64_t now_ms)
{
    token_entry key = {.record = 0};
    hash_token(token, key.hash);
    const token_entry *found =
        all->tokens_count == 0
            ? NULL
            : bsearch(&key, all->tokens, all->tokens_count, sizeof all->tokens[0], compare_hashes);
    if (found == NULL)
        return NULL;
    const sh_node_record *record = &all->records[found->record];
    const sh_credential *item = &record->items[found->item];
    bool same = sh_secret_equals((sh_slice){(const char *)key.hash, sizeof key.hash},
                                 (sh_slice){(const char *)item->token_hash, SH_DIGEST_BYTES});
    return same && record->revoked_ms == 0 && sh_credential_is_valid(item, now_ms) ? record : NULL;
}
