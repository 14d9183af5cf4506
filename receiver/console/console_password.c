/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/console/console_password.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/clock.h"
#include "libcommon/base/utf8.h"
#include "libcommon/crypto/crypto_password.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY "password"
#define CODE_PREFIX "code:"
#define RECORD_MAX 1024
#define CODE_KEY_BYTES (sizeof CODE_PREFIX + SH_DIGEST_HEX_BYTES)

/* --- The password ---------------------------------------------------------------------------- */

sh_err console_password_read(const sh_settings *settings, store *s, console_password *ret,
                             sh_error *error)
{
    *ret = (console_password){.from_settings = settings->console_password[0] != '\0'};
    if (ret->from_settings) {
        console_secret_hash(sh_slice_of(settings->console_password), ret->hash);
        return SH_OK;
    }
    SH_CLEANUP(sh_buf_reset) sh_buf hash = SH_BUF_INIT(RECORD_MAX);
    bool found = false;
    sh_err err = console_record_get(s, STORE_CONSOLE, KEY, &hash, &found);
    if (err != SH_OK)
        return sh_fail(error, err, "the console's password could not be read from the database");
    if (found)
        (void)snprintf(ret->hash, sizeof ret->hash, "%s", hash.data);
    return SH_OK;
}

bool console_password_is_set(const console_password *password)
{
    return password->hash[0] != '\0';
}

bool console_password_matches(const console_password *password, const sh_settings *settings,
                              const char *text)
{
    static pthread_mutex_t one = PTHREAD_MUTEX_INITIALIZER;
    if (!console_password_is_set(password) || strlen(text) > SH_CONSOLE_PASSWORD_MAX)
        return false;
    if (password->from_settings)
        return sh_secret_equals(sh_slice_of(settings->console_password), sh_slice_of(text));
    (void)pthread_mutex_lock(&one);
    bool matches = sh_password_verify(sh_slice_of(text), password->hash);
    (void)pthread_mutex_unlock(&one);
    return matches;
}

void console_password_mark(const console_password *password, char ret[static SH_DIGEST_HEX_BYTES])
{
    console_secret_hash(sh_slice_of(password->hash), ret);
}

sh_err console_password_check(const char *text, sh_error *error)
{
    size_t len = strlen(text);
    if (len < SH_CONSOLE_PASSWORD_MIN || len > SH_CONSOLE_PASSWORD_MAX)
        return sh_fail(error, SH_E_CONFIG, "a password has %d to %d bytes", SH_CONSOLE_PASSWORD_MIN,
                       SH_CONSOLE_PASSWORD_MAX);
    if (!sh_utf8_is_valid(text, len) || sh_utf8_has_control(text, len))
        return sh_fail(error, SH_E_CONFIG, "a password is text without control characters");
    return SH_OK;
}

static sh_err put_hash(void *context, store *s, sh_error *error)
{
    const store_state_entry entry = {
        .key = SH_SLICE(KEY), .value = sh_slice_of(context), .changed_ms = sh_clock_unix_ms()};
    return store_state_put(s, STORE_CONSOLE, &entry, error);
}

sh_err console_password_set(const sh_settings *settings, const char *text, sh_error *error)
{
    char hash[SH_CRYPTO_PASSWORD_HASH_BYTES];
    if (settings->console_password[0] != '\0')
        return sh_fail(error, SH_E_REFUSED,
                       "the password is that of SYNC_console_password: change it there");
    sh_err err = console_password_check(text, error);
    if (err == SH_OK)
        err = sh_password_hash(sh_slice_of(text), hash, error);
    /* Sessions name the hash that was valid at their login, so they end with it. */
    return err == SH_OK ? console_record_change(settings, STORE_CONSOLE, put_hash, hash, error)
                        : err;
}

/* --- One-time codes -------------------------------------------------------------------------- */

typedef struct {
    char key[CODE_KEY_BYTES];
    char oldest[CODE_KEY_BYTES]; /* over the limit, or expired; "": none */
    int64_t oldest_ms, now_ms;
    size_t count;
    bool found;
} code_change;

static void init_change(const char *code, code_change *ret)
{
    *ret = (code_change){.now_ms = sh_clock_unix_ms()};
    memcpy(ret->key, CODE_PREFIX, sizeof CODE_PREFIX);
    console_secret_hash(sh_slice_of(code), ret->key + sizeof CODE_PREFIX - 1);
}

/* A time in the future is that of a clock that was wrong. */
static bool is_expired(int64_t made_ms, int64_t now_ms)
{
    return made_ms > now_ms || now_ms - made_ms > SH_CONSOLE_LINK_S * 1000LL;
}

static sh_err note_oldest(void *context, const store_state_entry *entry, sh_error *error)
{
    code_change *c = context;
    (void)error;
    if (entry->key.len >= sizeof c->oldest ||
        strncmp(entry->key.data, CODE_PREFIX, sizeof CODE_PREFIX - 1) != 0)
        return SH_OK;
    c->count++;
    int64_t ms = is_expired(entry->changed_ms, c->now_ms) ? 0 : entry->changed_ms;
    if (c->oldest[0] == '\0' || ms < c->oldest_ms) {
        c->oldest_ms = ms;
        (void)snprintf(c->oldest, sizeof c->oldest, "%.*s", (int)entry->key.len, entry->key.data);
    }
    return SH_OK;
}

static sh_err add_code(void *context, store *s, sh_error *error)
{
    code_change *c = context;
    const store_state_reader reader = {note_oldest, c};
    const store_state_entry entry = {
        .key = sh_slice_of(c->key), .value = SH_SLICE("1"), .changed_ms = c->now_ms};
    c->count = 0;
    c->oldest[0] = '\0';
    sh_err err = store_state_entries(s, STORE_SESSIONS, &reader, error);
    if (err == SH_OK && (c->count >= SH_CONSOLE_LINKS_MAX || (c->count > 0 && c->oldest_ms == 0)))
        err = store_state_delete(s, STORE_SESSIONS, c->oldest, error);
    return err == SH_OK ? store_state_put(s, STORE_SESSIONS, &entry, error) : err;
}

sh_err console_code_add(const sh_settings *settings, char ret[static SH_SECRET_TEXT_BYTES],
                        sh_error *error)
{
    code_change change;
    sh_random_secret(ret);
    init_change(ret, &change);
    return console_record_change(settings, STORE_SESSIONS, add_code, &change, error);
}

static sh_err check_age(void *context, const store_state_entry *entry, sh_error *error)
{
    code_change *c = context;
    (void)error;
    if (sh_slice_equals(entry->key, sh_slice_of(c->key)))
        c->found = !is_expired(entry->changed_ms, c->now_ms);
    return SH_OK;
}

static sh_err use_code(void *context, store *s, sh_error *error)
{
    code_change *c = context;
    const store_state_reader reader = {check_age, c};
    c->found = false;
    sh_err err = store_state_entries(s, STORE_SESSIONS, &reader, error);
    return err == SH_OK && c->found ? store_state_delete(s, STORE_SESSIONS, c->key, error) : err;
}

sh_err console_code_use(const sh_settings *settings, const char *code, bool *found, sh_error *error)
{
    code_change change;
    init_change(code, &change);
    sh_err err = console_record_change(settings, STORE_SESSIONS, use_code, &change, error);
    *found = err == SH_OK && change.found;
    return err;
}
