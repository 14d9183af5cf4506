/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/console/console_record.h"

#include "libcommon/base/hex.h"

#define BUSY_TRIES 5 /* another transaction may have been in the way */

void console_secret_hash(sh_slice secret, char ret[static SH_DIGEST_HEX_BYTES])
{
    uint8_t hash[SH_DIGEST_BYTES];
    sh_keyed_hash(NULL, secret, hash, sizeof hash);
    sh_hex_encode(hash, sizeof hash, ret);
}

sh_err console_record_open(const sh_settings *settings, store **ret, sh_error *error)
{
    sh_error reason = {.code = SH_OK};
    sh_err err = store_open(settings->db, STORE_READ_ONLY, ret, &reason);
    if (err == SH_E_NOT_FOUND)
        return sh_fail(error, SH_E_BUSY,
                       "the database does not exist yet: a receiver that merges creates it");
    return err == SH_OK ? SH_OK : sh_fail(error, err, "%s", reason.message);
}

static sh_err change_once(store *s, store_state list, console_change change, void *context,
                          sh_error *error)
{
    char version[STORE_VERSION_BYTES];
    sh_err err = store_state_begin(s, list, version, error);
    if (err != SH_OK)
        return err;
    err = change(context, s, error);
    if (err == SH_OK)
        err = store_state_commit(s, list, error);
    if (err != SH_OK)
        store_rollback(s);
    return err;
}

sh_err console_record_change(const sh_settings *settings, store_state list, console_change change,
                             void *context, sh_error *error)
{
    store *s = NULL;
    sh_err err = console_record_open(settings, &s, error);
    store_close(s);
    s = NULL;
    if (err == SH_OK)
        err = store_open(settings->db, STORE_READ_WRITE, &s, error);
    for (int i = 0; err == SH_OK && i < BUSY_TRIES; i++) {
        sh_error reason = {.code = SH_OK};
        sh_err changed = change_once(s, list, change, context, &reason);
        if (changed == SH_OK)
            break;
        if (changed != SH_E_BUSY || i + 1 == BUSY_TRIES)
            err = sh_fail(error, changed, "%s", reason.message);
    }
    store_close(s);
    return err;
}

sh_err console_record_get(store *s, store_state list, const char *key, sh_buf *ret, bool *found)
{
    sh_err err = store_state_get(s, list, key, ret, NULL);
    *found = err == SH_OK;
    return err == SH_E_NOT_FOUND ? SH_OK : err;
}
