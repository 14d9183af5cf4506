/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/operate/hub_connections.h"

#include "libcommon/base/buffer.h"
#include "libcommon/base/cleanup.h"
#include "libcommon/base/limits.h"
#include "libcommon/config/settings_table.h"
#include "libcommon/runtime/log.h"
#include "receiver/merge/credentials_publication.h"
#include "receiver/merge/database_check.h"
#include "receiver/queue/hub_database.h"

#include <string.h>

sh_err hub_connections_check_role(const sh_settings *settings, sh_error *error)
{
    if (settings->role != SH_ROLE_INGEST)
        return SH_OK;
    return sh_fail(
        error, SH_E_CONFIG,
        "this host has no database (SYNC_receiver_role is ingest): run this command where "
        "a receiver merges, with the SYNC_db of that receiver");
}

/* The console's API answers with this message, too: without the password in a URL. */
static sh_err fail_elsewhere(const sh_settings *settings, sh_error *error)
{
    SH_CLEANUP(sh_buf_reset) sh_buf shown = SH_BUF_INIT(SH_KIB);
    bool has_text = sh_setting_redact(settings->db, &shown) == SH_OK;
    return sh_fail(
        error, SH_E_CONFIG,
        "the hub's database is another one than %s (SYNC_db) here: run this command where "
        "a receiver merges, with the SYNC_db of that receiver",
        has_text ? shown.data : "that");
}

/* Opens a database that must exist, as its id is published. */
static sh_err check_exists(const sh_settings *settings, sh_error *error)
{
    store *s = NULL;
    sh_error reason = {.code = SH_OK};
    sh_err err = store_open(settings->db, STORE_READ_ONLY, &s, &reason);
    store_close(s);
    return err == SH_E_NOT_FOUND ? fail_elsewhere(settings, error) : SH_OK;
}

/* Opens the database, which is created only if Redis names none, as before a hub's first start. */
static sh_err open_store(const sh_settings *settings, hub_connections *hub, sh_error *error)
{
    char published[SH_ID_HEX_BYTES], own[SH_ID_HEX_BYTES];
    sh_err err = queue_database_get(hub->queue, published, error);
    if (err == SH_OK && published[0] != '\0')
        err = check_exists(settings, error);
    if (err == SH_OK)
        err = store_open(settings->db, STORE_READ_WRITE, &hub->store, error);
    if (err == SH_OK)
        err = database_id_read(hub->store, own, error);
    if (err != SH_OK || published[0] == '\0')
        return err;
    hub->is_published = strcmp(own, published) == 0;
    return hub->is_published ? SH_OK : fail_elsewhere(settings, error);
}

sh_err hub_connections_open(const sh_settings *settings, hub_connections *ret, sh_error *error)
{
    const sh_queue_options options = sh_queue_options_of(settings);
    size_t taken = 0;
    *ret = (hub_connections){.store = NULL};
    sh_err err = hub_connections_check_role(settings, error);
    if (err == SH_OK)
        err = store_prepare(settings->db, error);
    if (err == SH_OK)
        err = sh_queue_open(&options, &ret->queue, error);
    if (err == SH_OK)
        err = open_store(settings, ret, error);
    return err == SH_OK ? credentials_take_over(ret->store, ret->queue, &taken, error) : err;
}

sh_err hub_connections_open_to_read(const sh_settings *settings, hub_connections *ret,
                                    sh_error *error)
{
    const sh_queue_options options = sh_queue_options_of(settings);
    *ret = (hub_connections){.store = NULL};
    sh_err err = hub_connections_check_role(settings, error);
    if (err == SH_OK)
        err = store_prepare(settings->db, error);
    if (err == SH_OK)
        err = store_open(settings->db, STORE_READ_ONLY, &ret->store, error);
    return err == SH_OK ? sh_queue_open(&options, &ret->queue, error) : err;
}

void hub_connections_close(hub_connections *hub)
{
    sh_queue_free(hub->queue);
    store_close(hub->store);
    *hub = (hub_connections){.store = NULL};
}

sh_err hub_connections_publish_credentials(const hub_connections *hub, sh_error *error)
{
    int64_t count = 0;
    sh_error reason = {.code = SH_OK};
    if (!hub->is_published) {
        sh_log_info("a receiver that merges publishes this change when it runs");
        return SH_OK;
    }
    sh_err err = credentials_publish(hub->store, hub->queue, &count, &reason);
    if (err == SH_OK)
        return SH_OK;
    return sh_fail(
        error, err,
        "the change is stored in the database, but the receivers do not know it yet, as "
        "it could not be published: %s; a receiver that merges does so as soon as it can",
        reason.message);
}
