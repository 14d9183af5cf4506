/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/console/console_session.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RECORD_BYTES (SH_DIGEST_HEX_BYTES + 32)

/* --- Records: the key is the hash of the cookie, the value `EXPIRES MARK` --------------------- */

static bool read_record(sh_slice value, int64_t *expires_ms, char mark[static SH_DIGEST_HEX_BYTES])
{
    char record[RECORD_BYTES];
    if (value.len >= sizeof record)
        return false;
    (void)snprintf(record, sizeof record, "%.*s", (int)value.len, value.data);
    /* Our own text; a number that does not fit would be a damaged record. */
    /* NOLINTNEXTLINE(cert-err34-c) */
    return sscanf(record, "%" SCNd64 " %64s", expires_ms, mark) == 2;
}

/* One that would last longer than any was started by a clock that was wrong. */
static bool is_over(int64_t expires_ms, int64_t now_ms)
{
    return expires_ms <= now_ms || expires_ms - now_ms > SH_CONSOLE_SESSION_S * 1000LL;
}

/* --- Start and end --------------------------------------------------------------------------- */

typedef struct {
    char key[SH_DIGEST_HEX_BYTES], record[RECORD_BYTES];
    char oldest[SH_DIGEST_HEX_BYTES]; /* "": none */
    int64_t oldest_ms, now_ms;
    size_t count;
    bool has_expired;
} session_change;

static sh_err note_oldest(void *context, const store_state_entry *entry, sh_error *error)
{
    session_change *c = context;
    char mark[SH_DIGEST_HEX_BYTES];
    int64_t expires_ms = 0;
    (void)error;
    if (entry->key.len != SH_DIGEST_HEX_BYTES - 1)
        return SH_OK; /* a code */
    c->count++;
    if (!read_record(entry->value, &expires_ms, mark) || is_over(expires_ms, c->now_ms))
        expires_ms = 0;
    if (c->oldest[0] == '\0' || expires_ms < c->oldest_ms) {
        c->oldest_ms = expires_ms;
        memcpy(c->oldest, entry->key.data, entry->key.len);
        c->oldest[entry->key.len] = '\0';
    }
    return SH_OK;
}

/* Each start removes at most one that is over, so that they become no more. */
static sh_err add_session(void *context, store *s, sh_error *error)
{
    session_change *c = context;
    const store_state_reader reader = {note_oldest, c};
    const store_state_entry entry = {
        .key = sh_slice_of(c->key), .value = sh_slice_of(c->record), .changed_ms = c->now_ms};
    c->count = 0;
    c->oldest[0] = '\0';
    sh_err err = store_state_entries(s, STORE_SESSIONS, &reader, error);
    if (err == SH_OK && c->count > 0 && (c->count >= SH_CONSOLE_SESSIONS_MAX || c->oldest_ms == 0))
        err = store_state_delete(s, STORE_SESSIONS, c->oldest, error);
    return err == SH_OK ? store_state_put(s, STORE_SESSIONS, &entry, error) : err;
}

sh_err console_session_start(const sh_settings *settings, const char *mark,
                             char ret[static SH_SECRET_TEXT_BYTES], sh_error *error)
{
    session_change change = {.now_ms = sh_clock_unix_ms()};
    sh_random_secret(ret);
    console_secret_hash(sh_slice_of(ret), change.key);
    (void)snprintf(change.record, sizeof change.record, "%" PRId64 " %s",
                   change.now_ms + SH_CONSOLE_SESSION_S * INT64_C(1000), mark);
    return console_record_change(settings, STORE_SESSIONS, add_session, &change, error);
}

sh_err console_session_find(store *s, const char *key, const char *mark, int64_t *expires_ms,
                            bool *found)
{
    SH_CLEANUP(sh_buf_reset) sh_buf record = SH_BUF_INIT(RECORD_BYTES);
    char of[SH_DIGEST_HEX_BYTES];
    bool known = false;
    *found = false;
    sh_err err = console_record_get(s, STORE_SESSIONS, key, &record, &known);
    if (err != SH_OK || !known)
        return err;
    *found = read_record((sh_slice){record.data, record.len}, expires_ms, of) &&
             !is_over(*expires_ms, sh_clock_unix_ms()) && strcmp(of, mark) == 0;
    return SH_OK;
}

static sh_err remove_session(void *context, store *s, sh_error *error)
{
    sh_error reason = {.code = SH_OK};
    sh_err err = store_state_delete(s, STORE_SESSIONS, context, &reason);
    return err == SH_OK || err == SH_E_NOT_FOUND ? SH_OK
                                                 : sh_fail(error, err, "%s", reason.message);
}

sh_err console_session_end(const sh_settings *settings, const char *key, sh_error *error)
{
    char copy[SH_DIGEST_HEX_BYTES];
    (void)snprintf(copy, sizeof copy, "%s", key);
    return console_record_change(settings, STORE_SESSIONS, remove_session, copy, error);
}
