/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/operate/database_change.h"

#define BUSY_TRIES 5 /* another transaction may have been in the way */

static sh_err change_in_transaction(store *s, database_change change, void *context,
                                    sh_error *error)
{
    sh_err err = store_begin(s, error);
    if (err != SH_OK)
        return err;
    err = change(context, s, error);
    if (err == SH_OK)
        err = store_commit(s, error);
    if (err != SH_OK)
        store_rollback(s);
    return err;
}

sh_err database_change_run(const sh_settings *settings, database_change change, void *context,
                           sh_error *error)
{
    store *s = NULL;
    sh_err err = store_prepare(settings->db, error);
    if (err == SH_OK)
        err = store_open(settings->db, STORE_READ_WRITE, &s, error);
    for (int i = 0; err == SH_OK && i < BUSY_TRIES; i++) {
        sh_error reason = {.code = SH_OK};
        sh_err changed = change_in_transaction(s, change, context, &reason);
        if (changed == SH_OK)
            break;
        if (changed != SH_E_BUSY || i + 1 == BUSY_TRIES)
            err = sh_fail(error, changed, "%s", reason.message);
    }
    store_close(s);
    return err;
}
