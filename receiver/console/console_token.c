/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/console/console_token.h"

#include "libcommon/base/clock.h"
#include "libcommon/json/json_write.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX "token:"
#define KEY_BYTES (sizeof PREFIX + SH_CONSOLE_TOKEN_NAME_MAX)
#define RECORD_BYTES (SH_DIGEST_HEX_BYTES + 64)
#define USED_INTERVAL_MS 60000
#define NAME_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"

/* --- Records: `HASH rw CREATED USED` --------------------------------------------------------- */

static void write_key(const char *name, char ret[static KEY_BYTES])
{
    (void)snprintf(ret, KEY_BYTES, PREFIX "%s", name);
}

static void write_record(const console_token *token, const char *hash,
                         char ret[static RECORD_BYTES])
{
    (void)snprintf(ret, RECORD_BYTES, "%s %s %" PRId64 " %" PRId64, hash,
                   token->read_only ? "ro" : "rw", token->created_ms, token->used_ms);
}

/* False if the entry is not a token. */
static bool read_entry(const store_state_entry *entry, console_token *ret,
                       char hash[static SH_DIGEST_HEX_BYTES])
{
    char record[RECORD_BYTES], mode[3];
    size_t prefix = sizeof PREFIX - 1;
    if (entry->key.len <= prefix || entry->key.len - prefix > SH_CONSOLE_TOKEN_NAME_MAX ||
        memcmp(entry->key.data, PREFIX, prefix) != 0)
        return false;
    *ret = (console_token){.read_only = true};
    memcpy(ret->name, entry->key.data + prefix, entry->key.len - prefix);
    (void)snprintf(record, sizeof record, "%.*s", (int)entry->value.len, entry->value.data);
    /* Our own text; a number that does not fit would be a damaged record. */
    /* NOLINTNEXTLINE(cert-err34-c) */
    if (sscanf(record, "%64s %2s %" SCNd64 " %" SCNd64, hash, mode, &ret->created_ms,
               &ret->used_ms) != 4)
        return false;
    ret->read_only = strcmp(mode, "rw") != 0;
    return true;
}

/* --- Changes --------------------------------------------------------------------------------- */

typedef struct {
    const console_token *token;
    char key[KEY_BYTES], record[RECORD_BYTES];
    size_t count;
    bool found;
} token_change;

static sh_err count_token(void *context, const store_state_entry *entry, sh_error *error)
{
    token_change *c = context;
    (void)error;
    c->count += entry->key.len >= sizeof PREFIX - 1 &&
                memcmp(entry->key.data, PREFIX, sizeof PREFIX - 1) == 0;
    c->found = c->found || sh_slice_equals(entry->key, sh_slice_of(c->key));
    return SH_OK;
}

static sh_err put_token(token_change *c, store *s, sh_error *error)
{
    const store_state_entry entry = {.key = sh_slice_of(c->key),
                                     .value = sh_slice_of(c->record),
                                     .changed_ms = sh_clock_unix_ms()};
    return store_state_put(s, STORE_CONSOLE, &entry, error);
}

static sh_err add_token(void *context, store *s, sh_error *error)
{
    token_change *c = context;
    const store_state_reader reader = {count_token, c};
    c->count = 0;
    c->found = false;
    sh_err err = store_state_entries(s, STORE_CONSOLE, &reader, error);
    if (err == SH_OK && c->found)
        err = sh_fail(error, SH_E_REFUSED, "there is a token %s already: revoke it first",
                      c->token->name);
    if (err == SH_OK && c->count >= SH_CONSOLE_TOKENS_MAX)
        err = sh_fail(error, SH_E_LIMIT, "there may be at most %d tokens", SH_CONSOLE_TOKENS_MAX);
    return err == SH_OK ? put_token(c, s, error) : err;
}

static sh_err check_name(const char *name, sh_error *error)
{
    size_t len = strlen(name);
    if (len == 0 || len > SH_CONSOLE_TOKEN_NAME_MAX || strspn(name, NAME_CHARACTERS) != len)
        return sh_fail(error, SH_E_CONFIG,
                       "the name of a token has 1 to %d letters, digits, '.', '_' or '-'",
                       SH_CONSOLE_TOKEN_NAME_MAX);
    return SH_OK;
}

sh_err console_token_add(const sh_settings *settings, const console_token *token,
                         char ret[static SH_SECRET_TEXT_BYTES], sh_error *error)
{
    char hash[SH_DIGEST_HEX_BYTES];
    token_change change = {.token = token};
    sh_err err = check_name(token->name, error);
    if (err != SH_OK)
        return err;
    sh_random_secret(ret);
    console_secret_hash(sh_slice_of(ret), hash);
    write_key(token->name, change.key);
    write_record(token, hash, change.record);
    return console_record_change(settings, STORE_CONSOLE, add_token, &change, error);
}

static sh_err remove_token(void *context, store *s, sh_error *error)
{
    token_change *c = context;
    sh_error reason = {.code = SH_OK};
    sh_err err = store_state_delete(s, STORE_CONSOLE, c->key, &reason);
    if (err == SH_E_NOT_FOUND)
        return sh_fail(error, err, "there is no token '%s'", c->key + sizeof PREFIX - 1);
    return err == SH_OK ? SH_OK : sh_fail(error, err, "%s", reason.message);
}

sh_err console_token_revoke(const sh_settings *settings, const char *name, sh_error *error)
{
    token_change change = {.count = 0};
    if (strlen(name) > SH_CONSOLE_TOKEN_NAME_MAX)
        return sh_fail(error, SH_E_NOT_FOUND, "there is no token of that name");
    write_key(name, change.key);
    return console_record_change(settings, STORE_CONSOLE, remove_token, &change, error);
}

/* --- Finding --------------------------------------------------------------------------------- */

typedef struct {
    char hash[SH_DIGEST_HEX_BYTES];
    console_token *token;
    bool found;
} token_search;

static sh_err compare_token(void *context, const store_state_entry *entry, sh_error *error)
{
    token_search *search = context;
    console_token token;
    char hash[SH_DIGEST_HEX_BYTES];
    (void)error;
    if (read_entry(entry, &token, hash) && strcmp(hash, search->hash) == 0) {
        *search->token = token;
        search->found = true;
    }
    return SH_OK;
}

/*
 * In the transaction: the token may have been revoked meanwhile, and another one of its name may
 * have been added.
 */
static sh_err note_use(void *context, store *s, sh_error *error)
{
    const char *hash = context;
    console_token token = {.used_ms = 0};
    token_search search = {.token = &token};
    const store_state_reader reader = {compare_token, &search};
    memcpy(search.hash, hash, sizeof search.hash);
    sh_err err = store_state_entries(s, STORE_CONSOLE, &reader, error);
    if (err != SH_OK || !search.found)
        return err;
    token_change change = {.token = &token};
    token.used_ms = sh_clock_unix_ms();
    write_key(token.name, change.key);
    write_record(&token, hash, change.record);
    return put_token(&change, s, error);
}

sh_err console_token_find(const sh_settings *settings, store *s, sh_slice secret,
                          console_token *ret, bool *found)
{
    token_search search = {.token = ret};
    const store_state_reader reader = {compare_token, &search};
    console_secret_hash(secret, search.hash);
    sh_err err = store_state_entries(s, STORE_CONSOLE, &reader, NULL);
    *found = err == SH_OK && search.found;
    int64_t age_ms = *found ? sh_clock_unix_ms() - ret->used_ms : 0;
    /* A use that could not be recorded is recorded at the next one. */
    if (*found && (age_ms >= USED_INTERVAL_MS || age_ms < 0))
        (void)console_record_change(settings, STORE_CONSOLE, note_use, search.hash, NULL);
    return err;
}

/* --- The list -------------------------------------------------------------------------------- */

static sh_err add_listed(void *context, const store_state_entry *entry, sh_error *error)
{
    console_token_list *list = context;
    char hash[SH_DIGEST_HEX_BYTES];
    (void)error;
    if (list->count < SH_CONSOLE_TOKENS_MAX && read_entry(entry, &list->items[list->count], hash))
        list->count++;
    return SH_OK;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const console_token *)a)->name, ((const console_token *)b)->name);
}

sh_err console_token_list_read(store *s, console_token_list *ret, sh_error *error)
{
    const store_state_reader reader = {add_listed, ret};
    ret->count = 0;
    sh_err err = store_state_entries(s, STORE_CONSOLE, &reader, error);
    qsort(ret->items, ret->count, sizeof ret->items[0], by_name);
    return err;
}

static sh_err write_token(const console_token *token, sh_buf *json)
{
    char created[SH_RFC3339_BYTES], used[SH_RFC3339_BYTES];
    sh_clock_rfc3339(token->created_ms, created);
    sh_clock_rfc3339(token->used_ms, used);
    return sh_buf_append_format(
        json, "{\"name\":\"%s\",\"read_only\":%s,\"created\":\"%s\",\"last_used\":%s%s%s}",
        token->name, token->read_only ? "true" : "false", created, token->used_ms > 0 ? "\"" : "",
        token->used_ms > 0 ? used : "null", token->used_ms > 0 ? "\"" : "");
}

sh_err console_token_list_write(const console_token_list *list, sh_buf *json)
{
    sh_err err = sh_buf_append_text(json, "{\"items\":[");
    for (size_t i = 0; i < list->count && err == SH_OK; i++) {
        if (i > 0)
            err = sh_buf_append_text(json, ",");
        if (err == SH_OK)
            err = write_token(&list->items[i], json);
    }
    return err == SH_OK ? sh_buf_append_text(json, "],\"next\":null}\n") : err;
}
