/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/merge/settings_publication.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/clock.h"
#include "libcommon/base/limits.h"
#include "libcommon/crypto/crypto.h"
#include "libcommon/json/json_write.h"
#include "libcommon/runtime/log.h"
#include "libcommon/runtime/stop.h"
#include "receiver/queue/queue_settings_write.h"

#include <string.h>

#define PUBLISH_TRIES 20
#define PUBLISH_WAIT_MS 25 /* at least, before another try; at most twice that */

/* The published version of a database in which no setting was ever made, whose own is "". */
#define NONE_VERSION "none"

static const char *published_version(const char *version)
{
    return version[0] == '\0' ? NONE_VERSION : version;
}

static sh_err add_setting(void *context, const store_state_entry *entry, sh_error *error)
{
    sh_buf *text = context;
    sh_err err = text->len > 1 ? sh_buf_append_text(text, ",") : SH_OK;
    if (err == SH_OK)
        err = sh_json_write_string(text, entry->key);
    if (err == SH_OK)
        err = sh_buf_append_text(text, ":");
    if (err == SH_OK)
        err = sh_json_write_string(text, entry->value);
    return err == SH_OK ? SH_OK : sh_fail(error, err, "no memory for the hub's settings");
}

/* Reads the published version before the database, as credentials_publish() does. */
static sh_err publish_once(store *s, sh_queue *queue, bool *published, sh_error *error)
{
    SH_CLEANUP(sh_buf_reset) sh_buf text = SH_BUF_INIT(SH_HUB_SETTINGS_MAX);
    const store_state_reader reader = {.each = add_setting, .context = &text};
    char before[SH_SETTINGS_VERSION_BYTES], version[STORE_VERSION_BYTES];
    sh_err err = queue_settings_state(queue, before, error);
    if (err == SH_OK && sh_buf_append_text(&text, "{") != SH_OK)
        err = sh_fail(error, SH_E_MEMORY, "no memory for the hub's settings");
    if (err == SH_OK)
        err = store_state_read(s, STORE_SETTINGS, &reader, version, error);
    if (err == SH_OK && sh_buf_append_text(&text, "}") != SH_OK)
        err = sh_fail(error, SH_E_MEMORY, "no memory for the hub's settings");
    if (err != SH_OK)
        return err;
    return queue_settings_publish(queue, (sh_slice){text.data, text.len}, before,
                                  published_version(version), published, error);
}

sh_err settings_publish(store *s, sh_queue *queue, sh_error *error)
{
    for (int i = 0; i < PUBLISH_TRIES; i++) {
        bool published = false;
        sh_err err = publish_once(s, queue, &published, error);
        if (err != SH_OK || published)
            return err;
        uint8_t random; /* publishers that disturb each other wait for different times */
        sh_random(&random, sizeof random);
        (void)sh_stop_wait(PUBLISH_WAIT_MS + random % PUBLISH_WAIT_MS);
    }
    return sh_fail(error, SH_E_BUSY,
                   "the hub's settings could not be published: others publish them all the time");
}

sh_err settings_publication_update(settings_publication *p, store *s, sh_queue *queue,
                                   sh_error *error)
{
    char published[SH_SETTINGS_VERSION_BYTES] = "";
    int64_t now_ms = sh_clock_monotonic_ms();
    if (p->checked && now_ms - p->checked_ms < SH_PUBLICATION_CHECK_MS)
        return SH_OK;
    sh_err err = store_state_version(s, STORE_SETTINGS, p->version, error);
    if (err == SH_OK)
        err = queue_settings_state(queue, published, error);
    bool same = err == SH_OK && strcmp(published, published_version(p->version)) == 0;
    if (err == SH_OK && !same)
        err = settings_publish(s, queue, error);
    if (err != SH_OK)
        return err;
    if (!same)
        sh_log_debug("published the hub's settings in Redis");
    p->checked = true;
    p->checked_ms = now_ms;
    return SH_OK;
}
