/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/merge/database_check.h"

#include "libcommon/base/hex.h"
#include "libcommon/runtime/log.h"
#include "receiver/queue/hub_database.h"

#include <stdio.h>
#include <string.h>

sh_err database_id_read(store *s, char ret[static SH_ID_HEX_BYTES], sh_error *error)
{
    char value[STORE_META_BYTES];
    sh_err err = store_meta_get(s, STORE_META_DATABASE_ID, value, error);
    if (err == SH_OK && value[0] == '\0') {
        uint8_t id[SH_ID_BYTES];
        sh_random(id, sizeof id);
        sh_hex_encode(id, sizeof id, ret);
        err = store_meta_set(s, STORE_META_DATABASE_ID, ret, false, error);
        if (err == SH_OK) /* another receiver may have been faster */
            err = store_meta_get(s, STORE_META_DATABASE_ID, value, error);
    }
    (void)snprintf(ret, SH_ID_HEX_BYTES, "%.*s", SH_ID_HEX_BYTES - 1, err == SH_OK ? value : "");
    return err;
}

void database_check_reset(database_check *d)
{
    d->own[0] = '\0';
}

/*
 * A restore gives the database a new id. store_check() does not notice one that follows the opening
 * within seconds, as it has not seen a later generation yet.
 */
static sh_err check_same_database(const database_check *d, store *s, sh_error *error)
{
    char now[SH_ID_HEX_BYTES];
    sh_err err = database_id_read(s, now, error);
    if (err == SH_OK && strcmp(now, d->own) != 0)
        return sh_fail(error, SH_E_IO,
                       "a backup was restored into the database of SYNC_db: it is opened again");
    return err;
}

sh_err database_check_verify(database_check *d, store *s, sh_queue *queue, sh_error *error)
{
    char published[SH_ID_HEX_BYTES];
    sh_err err = queue_database_get(queue, published, error);
    if (err == SH_OK && d->own[0] == '\0')
        err = database_id_read(s, d->own, error);
    if (err != SH_OK)
        return err;
    bool replaced = d->confirmed[0] != '\0' && strcmp(published, d->confirmed) == 0 &&
                    strcmp(d->own, d->confirmed) != 0;
    if (published[0] == '\0' || replaced) {
        err = queue_database_set(queue, d->own, replaced, error);
        if (err == SH_OK)
            err = queue_database_get(queue, published, error);
        if (err != SH_OK)
            return err;
    }
    if (strcmp(published, d->own) != 0) {
        err = check_same_database(d, s, error);
        if (err != SH_OK)
            return err;
        return sh_fail(error, SH_E_CONFIG,
                       "the queue is merged into another database than that of SYNC_db: another "
                       "receiver with another SYNC_db runs, or SYNC_db was changed; to use this "
                       "database from now on, run `synchub-receiver adopt`");
    }
    if (replaced)
        sh_log_warning("SYNC_db is another database than before: nodes send their tables in "
                       "full, and it is filled again");
    memcpy(d->confirmed, d->own, sizeof d->confirmed);
    return SH_OK;
}

sh_err database_adopt(store *s, sh_queue *queue, sh_error *error)
{
    char own[SH_ID_HEX_BYTES];
    sh_err err = database_id_read(s, own, error);
    return err == SH_OK ? queue_database_set(queue, own, true, error) : err;
}
