/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/runtime/hub_settings.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/clock.h"
#include "libcommon/base/hex.h"
#include "libcommon/base/limits.h"
#include "libcommon/config/settings_load.h"
#include "libcommon/config/settings_made_on_hub.h"
#include "libcommon/config/settings_value.h"
#include "libcommon/crypto/crypto.h"
#include "libcommon/runtime/log.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define REPORT_INTERVAL_MS 5000

static struct {
    pthread_mutex_t lock;
    char version[SH_SETTINGS_VERSION_BYTES]; /* of text; "": none was published yet */
    sh_buf text;
    unsigned number;              /* of texts so far */
    const sh_setting *level;      /* the row of SYNC_log_level if the hub may set it; or NULL */
    sh_buf report;                /* "": nothing to report */
    int64_t reported_ms;          /* monotonic; 0: it is to be written anew */
    bool is_reported;             /* Redis may have one */
    char id[SH_PROGRAM_ID_BYTES]; /* of this process; "": not chosen yet */
} hub = {.lock = PTHREAD_MUTEX_INITIALIZER,
         .text = SH_BUF_INIT(SH_HUB_SETTINGS_MAX),
         .report = SH_BUF_INIT(SH_PROGRAM_REPORT_MAX)};

/* With the lock held. What cannot be used here keeps its default, as in settings_load.c. */
static void apply_level(void)
{
    SH_CLEANUP(sh_settings_reset) sh_settings scratch = {0};
    SH_CLEANUP(sh_source_reset) sh_source source = {0};
    SH_CLEANUP(sh_source_value_reset) sh_source_value value = {0};
    if (hub.level == NULL || hub.text.len == 0 ||
        sh_source_from_json((sh_slice){hub.text.data, hub.text.len}, &source, NULL) != SH_OK ||
        sh_source_get(&source, hub.level, &value, NULL) != SH_OK)
        return;
    if ((value.text != NULL && sh_setting_parse(hub.level, &scratch, value.text, NULL) == SH_OK) ||
        sh_setting_parse(hub.level, &scratch, hub.level->fallback, NULL) == SH_OK)
        sh_log_set_level((sh_log_level)scratch.log_level);
}

bool sh_hub_settings_is_newer(const char *version)
{
    (void)pthread_mutex_lock(&hub.lock);
    bool newer = version[0] != '\0' && strcmp(version, hub.version) != 0;
    (void)pthread_mutex_unlock(&hub.lock);
    return newer;
}

void sh_hub_settings_put(const char *version, sh_buf *text)
{
    (void)pthread_mutex_lock(&hub.lock);
    (void)snprintf(hub.version, sizeof hub.version, "%s", version);
    sh_buf_reset(&hub.text);
    hub.text = *text;
    *text = (sh_buf)SH_BUF_INIT(SH_HUB_SETTINGS_MAX);
    hub.number++;
    apply_level();
    (void)pthread_mutex_unlock(&hub.lock);
}

bool sh_hub_settings_report_due(sh_buf *ret, char id[static SH_PROGRAM_ID_BYTES])
{
    int64_t now_ms = sh_clock_monotonic_ms();
    uint8_t random[SH_PROGRAM_ID_BYTES / 2];
    (void)pthread_mutex_lock(&hub.lock);
    bool due = hub.report.len > 0 &&
               (hub.reported_ms == 0 || now_ms - hub.reported_ms >= REPORT_INTERVAL_MS) &&
               sh_buf_append(ret, hub.report.data, hub.report.len) == SH_OK;
    if (due && hub.id[0] == '\0') {
        sh_random(random, sizeof random);
        sh_hex_encode(random, sizeof random, hub.id);
    }
    if (due) {
        hub.reported_ms = now_ms;
        hub.is_reported = true;
        (void)memcpy(id, hub.id, sizeof hub.id);
    }
    (void)pthread_mutex_unlock(&hub.lock);
    return due;
}

bool sh_hub_settings_report_end(char id[static SH_PROGRAM_ID_BYTES])
{
    (void)pthread_mutex_lock(&hub.lock);
    bool reported = hub.is_reported;
    hub.is_reported = false;
    hub.reported_ms = 0;
    (void)memcpy(id, hub.id, sizeof hub.id);
    (void)pthread_mutex_unlock(&hub.lock);
    return reported;
}

void sh_hub_settings_use(const sh_settings *settings, int program)
{
    const sh_setting *row = sh_setting_find("SYNC_log_level", program);
    (void)pthread_mutex_lock(&hub.lock);
    hub.level = row != NULL && sh_setting_is_open(row, settings, program) ? row : NULL;
    (void)pthread_mutex_unlock(&hub.lock);
}

void sh_hub_settings_set_report(const sh_buf *report)
{
    (void)pthread_mutex_lock(&hub.lock);
    sh_buf_clear(&hub.report);
    if (sh_buf_append(&hub.report, report->data, report->len) != SH_OK)
        sh_buf_clear(&hub.report);
    hub.reported_ms = 0;
    (void)pthread_mutex_unlock(&hub.lock);
}

bool sh_hub_settings_take(unsigned *taken, sh_buf *text)
{
    bool newer = false;
    (void)pthread_mutex_lock(&hub.lock);
    if (*taken != hub.number) {
        sh_buf_clear(text);
        newer = sh_buf_append(text, hub.text.data, hub.text.len) == SH_OK;
        if (newer)
            *taken = hub.number;
    }
    (void)pthread_mutex_unlock(&hub.lock);
    return newer;
}
