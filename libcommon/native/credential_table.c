/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/node_name.h"
#include "libcommon/native/credentials.h"
#include "libcommon/native/name_lookalike.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* The table of all nodes' records, in memory. */

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
    sh_credential_hash_token(token, key.hash);
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
