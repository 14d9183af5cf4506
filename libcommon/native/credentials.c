/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/native/credentials.h"

#include "libcommon/base/hex.h"
#include "libcommon/native/name_keys.h"
#include "libcommon/native/node_name.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/*
 * The first version had nothing to say about formats, and its nodes use either: so it stands for
 * those that may, and the second, which is the same otherwise, for those that may not.
 */
#define RECORD_ANY_FORMAT 1
#define RECORD_NATIVE 2
#define SECRET_LEN (SH_SECRET_TEXT_BYTES - 1)
#define ASSOCIATED_MAX (64 + SH_NODE_NAME_MAX)

static const char sealing_text[] = "synchub 1 node credentials";

typedef struct {
    uint8_t hash[SH_DIGEST_BYTES];
    size_t record, item;
} token_place;

/* One of the two keys of a record's name; the lowest bit tells which. */
typedef struct {
    uint64_t key;
    size_t record;
} name_place;

struct sh_credentials {
    sh_node_record *records; /* by name, once indexed */
    size_t count, capacity;
    token_place *tokens; /* by hash */
    size_t tokens_count;
    name_place *names; /* by key, two for each record whose name is valid */
    size_t names_count;
};

/* --- One credential -------------------------------------------------------------------------- */

void sh_credential_key_derive(const uint8_t passphrase_key[static SH_KEY_BYTES],
                              uint8_t ret[static SH_KEY_BYTES])
{
    sh_keyed_hash(passphrase_key, sh_slice_of(sealing_text), ret, SH_KEY_BYTES);
}

static void hash_token(sh_slice token, uint8_t ret[static SH_DIGEST_BYTES])
{
    sh_keyed_hash(NULL, token, ret, SH_DIGEST_BYTES);
}

/* Binds what is sealed to its node and its token's hash: nothing can be moved to another. */
static size_t associate(const char *node, const uint8_t hash[static SH_DIGEST_BYTES],
                        char ret[static ASSOCIATED_MAX])
{
    size_t node_len = strlen(node);
    size_t at = sizeof sealing_text;
    assert(at + SH_DIGEST_BYTES + node_len <= ASSOCIATED_MAX);
    memcpy(ret, sealing_text, at);
    memcpy(ret + at, hash, SH_DIGEST_BYTES);
    memcpy(ret + at + SH_DIGEST_BYTES, node, node_len);
    return at + SH_DIGEST_BYTES + node_len;
}

sh_err sh_credential_make(const uint8_t sealing_key[static SH_KEY_BYTES], const char *node,
                          int64_t now_ms, sh_credential *credential, sh_node_secrets *ret,
                          sh_error *error)
{
    char associated[ASSOCIATED_MAX];
    uint8_t plain[SH_CREDENTIAL_PLAIN_BYTES];
    sh_random_secret(ret->token);
    sh_random_secret(ret->passphrase);
    sh_err err = sh_key_from_passphrase(sh_slice_of(ret->passphrase), ret->passphrase_key, error);
    if (err != SH_OK)
        return err;
    *credential = (sh_credential){.since_ms = now_ms};
    hash_token(sh_slice_of(ret->token), credential->token_hash);
    size_t associated_len = associate(node, credential->token_hash, associated);
    memcpy(plain, ret->passphrase_key, SH_KEY_BYTES);
    memcpy(plain + SH_KEY_BYTES, ret->passphrase, SECRET_LEN);
    memcpy(plain + SH_KEY_BYTES + SECRET_LEN, ret->token, SECRET_LEN);
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
    size_t associated_len = associate(node, credential->token_hash, associated);
    sh_slice sealed = {(const char *)credential->sealed + SH_NONCE_BYTES,
                       SH_CREDENTIAL_SEALED_BYTES - SH_NONCE_BYTES};
    if (sh_aead_open(sealing_key, credential->sealed, (sh_slice){associated, associated_len},
                     sealed, plain) != SH_OK)
        return sh_fail(error, SH_E_CONFIG,
                       "the credentials of node %s do not open with this hub's "
                       "SYNC_encryption_key: it was another one when they were made; give the node "
                       "new ones by `synchub-receiver node rotate`",
                       node);
    *ret = (sh_node_secrets){.token = ""};
    memcpy(ret->passphrase_key, plain, SH_KEY_BYTES);
    memcpy(ret->passphrase, plain + SH_KEY_BYTES, SECRET_LEN);
    memcpy(ret->token, plain + SH_KEY_BYTES + SECRET_LEN, SECRET_LEN);
    sh_wipe(plain, sizeof plain);
    return SH_OK;
}

bool sh_credential_works(const sh_credential *credential, int64_t now_ms)
{
    if (credential->until_ms == 0)
        return true;
    /* An end that no rotation sets was noted by a clock that was ahead: it must not keep old ones.
     */
    int64_t left_ms = credential->until_ms - now_ms;
    return left_ms > 0 && left_ms <= SH_NODE_ROTATE_OVERLAP_MAX_S * INT64_C(1000);
}

/* --- A node's record: `version created revoked count` and, for each, ` since until hash sealed`
 * ------
 */

sh_err sh_node_record_add(sh_node_record *record, const sh_credential *credential, int64_t now_ms,
                          sh_error *error)
{
    sh_node_record kept = *record;
    kept.count = 0;
    kept.items[kept.count++] = *credential;
    for (size_t i = 0; i < record->count; i++) {
        if (!sh_credential_works(&record->items[i], now_ms))
            continue;
        if (kept.count == SH_NODE_CREDENTIALS_MAX)
            return sh_fail(error, SH_E_LIMIT,
                           "node %s has %d tokens that still work: wait until the oldest ends, or "
                           "revoke the node and add it again",
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

/* The next word of *text, which ends with a space or the text. */
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
    bool good = read_record(text, ret);
    if (!good) {
        *ret = (sh_node_record){.unreadable = true};
    }
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

static int by_node(const void *a, const void *b)
{
    return strcmp(((const sh_node_record *)a)->node, ((const sh_node_record *)b)->node);
}

static int by_hash(const void *a, const void *b)
{
    return memcmp(((const token_place *)a)->hash, ((const token_place *)b)->hash, SH_DIGEST_BYTES);
}

static int by_key(const void *a, const void *b)
{
    uint64_t x = ((const name_place *)a)->key, y = ((const name_place *)b)->key;
    return x < y ? -1 : x > y;
}

/* Both keys of a name, with the bit that tells which. */
static void keys_of(const char *node, uint64_t ret[static 2])
{
    sh_name_keys keys = sh_name_keys_of(sh_slice_of(node));
    ret[0] = keys.drawn & ~UINT64_C(1);
    ret[1] = keys.small | 1;
}

/* The records are in their order. */
static sh_err index_names(sh_credentials *all, sh_error *error)
{
    name_place *names = calloc(2 * all->count + 1, sizeof *names);
    if (names == NULL)
        return sh_fail(error, SH_E_MEMORY, "no memory for the nodes' credentials");
    size_t count = 0;
    for (size_t i = 0; i < all->count; i++) {
        uint64_t keys[2];
        if (sh_node_name_check(sh_slice_of(all->records[i].node), NULL) != SH_OK)
            continue;
        keys_of(all->records[i].node, keys);
        for (size_t k = 0; k < 2; k++)
            names[count++] = (name_place){.key = keys[k], .record = i};
    }
    qsort(names, count, sizeof names[0], by_key);
    free(all->names);
    all->names = names;
    all->names_count = count;
    return SH_OK;
}

const sh_node_record *sh_credentials_like(const sh_credentials *all, const char *node)
{
    uint64_t keys[2];
    if (all->names_count == 0)
        return NULL;
    keys_of(node, keys);
    for (size_t k = 0; k < 2; k++) {
        name_place key = {.key = keys[k]};
        const name_place *found =
            bsearch(&key, all->names, all->names_count, sizeof all->names[0], by_key);
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
    token_place *tokens = calloc(count + 1, sizeof *tokens);
    if (tokens == NULL)
        return sh_fail(error, SH_E_MEMORY, "no memory for the nodes' credentials");
    if (all->count > 0)
        qsort(all->records, all->count, sizeof all->records[0], by_node);
    size_t at = 0;
    for (size_t i = 0; i < all->count; i++) {
        for (size_t item = 0; item < all->records[i].count; item++, at++) {
            tokens[at].record = i;
            tokens[at].item = item;
            memcpy(tokens[at].hash, all->records[i].items[item].token_hash, SH_DIGEST_BYTES);
        }
    }
    qsort(tokens, count, sizeof tokens[0], by_hash);
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

const sh_node_record *sh_credentials_of_node(const sh_credentials *all, const char *node,
                                             size_t *index)
{
    sh_node_record key = {.count = 0};
    if (all->count == 0 || strlen(node) >= sizeof key.node)
        return NULL;
    (void)memcpy(key.node, node, strlen(node) + 1);
    const sh_node_record *found =
        bsearch(&key, all->records, all->count, sizeof all->records[0], by_node);
    if (found != NULL && index != NULL)
        *index = (size_t)(found - all->records);
    return found;
}

/*
 * The hashes are compared as they come: whoever tries tokens learns nothing from the time, since he
 * cannot choose what a token's hash begins with.
 */
const sh_node_record *sh_credentials_of_token(const sh_credentials *all, sh_slice token,
                                              int64_t now_ms)
{
    token_place key = {.record = 0};
    hash_token(token, key.hash);
    const token_place *found =
        all->tokens_count == 0
            ? NULL
            : bsearch(&key, all->tokens, all->tokens_count, sizeof all->tokens[0], by_hash);
    if (found == NULL)
        return NULL;
    const sh_node_record *record = &all->records[found->record];
    const sh_credential *item = &record->items[found->item];
    bool same = sh_secret_equals((sh_slice){(const char *)key.hash, sizeof key.hash},
                                 (sh_slice){(const char *)item->token_hash, SH_DIGEST_BYTES});
    return same && record->revoked_ms == 0 && sh_credential_works(item, now_ms) ? record : NULL;
}
