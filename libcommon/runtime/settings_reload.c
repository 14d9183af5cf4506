/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/runtime/settings_reload.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/clock.h"
#include "libcommon/base/limits.h"
#include "libcommon/config/settings_diff.h"
#include "libcommon/config/settings_load.h"
#include "libcommon/config/settings_made_on_hub.h"
#include "libcommon/json/json_write.h"
#include "libcommon/runtime/hub_settings.h"
#include "libcommon/runtime/log.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/*
 * NetAlertX does not write its file atomically: half of it can be valid Python without our
 * settings. So it is read once it has been unchanged for a while, or after an upper limit.
 */
#define SETTLE_MS 1000
#define SETTLE_MAX_MS 10000

typedef struct {
    sh_file_stamp config, override;
} stamps;

static struct {
    const sh_service *service; /* NULL: nothing is watched */
    const sh_settings *settings;
    bool watches_files;
    stamps known;     /* of the files that were read, valid or not */
    stamps seen;      /* of the current files, if they differ … */
    int64_t seen_ms;  /* … since when they are like this, … */
    int64_t first_ms; /* … and since when they differ; 0: they do not */
    bool has_next;
    sh_settings next;
    unsigned taken;   /* of sh_hub_settings_take() */
    sh_source source; /* what was made on the hub */
    bool has_live;
    sh_settings live; /* of a service that does not start again: has its live settings */
} reload;

#define HOST_BYTES 65

static bool stamps_equal(const stamps *a, const stamps *b)
{
    return sh_file_stamp_equals(&a->config, &b->config) &&
           sh_file_stamp_equals(&a->override, &b->override);
}

/* --- The report ------------------------------------------------------------------------------ */

/* Whether a change of this setting on the hub is used while the program runs on. */
static bool is_live(const sh_setting *row, const sh_settings *settings)
{
    return sh_setting_is_open(row, settings, reload.service->program) &&
           (!reload.service->reloads || strcmp(row->name, "SYNC_log_level") == 0);
}

static const char *role_of(const sh_settings *settings)
{
    static const char *const names[] = {
        [SH_ROLE_ALL] = "all",
        [SH_ROLE_INGEST] = "ingest",
        [SH_ROLE_MERGE] = "merge",
        [SH_ROLE_CONSOLE] = "console",
    };
    return reload.service->program == SH_FOR_RECEIVER ? names[settings->role] : "";
}

static sh_err write_report(sh_buf *ret)
{
    char host[HOST_BYTES] = "";
    if (gethostname(host, sizeof host - 1) != 0)
        host[0] = '\0';
    sh_err err = sh_buf_append_text(ret, "{");
    if (err == SH_OK)
        err = sh_json_write_member_text(ret, "program", reload.service->name);
    if (err == SH_OK)
        err = sh_json_write_member_text(ret, "role", role_of(reload.settings));
    if (err == SH_OK)
        err = sh_json_write_member_text(ret, "host", host);
    if (err == SH_OK)
        err = sh_json_write_member_text(ret, "version", SYNCHUB_VERSION);
    if (err == SH_OK)
        err = sh_buf_append_text(ret, ",\"settings\":");
    if (err == SH_OK)
        err = sh_settings_report(reload.settings, reload.has_live ? &reload.live : NULL,
                                 reload.service->program, ret);
    return err == SH_OK ? sh_buf_append_text(ret, "}") : err;
}

/* Without memory for it, others do not see this process's settings until the next change. */
static void update_report(void)
{
    SH_CLEANUP(sh_buf_reset) sh_buf report = SH_BUF_INIT(SH_PROGRAM_REPORT_MAX);
    if (write_report(&report) == SH_OK)
        sh_hub_settings_set_report(&report);
}

/* --- Beginning ------------------------------------------------------------------------------- */

static void forget_live(void)
{
    if (reload.has_live)
        sh_settings_reset(&reload.live);
    reload.has_live = false;
}

void sh_settings_reload_begin(const sh_service *service, const sh_settings *settings,
                              bool watches_files)
{
    reload.service = service;
    reload.settings = settings;
    reload.watches_files = watches_files && settings->config_file[0] != '\0';
    reload.known = (stamps){settings->config_stamp, settings->override_stamp};
    reload.first_ms = 0;
    forget_live();
    sh_hub_settings_use(settings, service->program);
    update_report();
}

static void forget_next(void)
{
    if (reload.has_next)
        sh_settings_reset(&reload.next);
    reload.has_next = false;
}

void sh_settings_reload_take(sh_settings *settings)
{
    if (!reload.has_next)
        return;
    sh_settings_reset(settings);
    *settings = reload.next;
    reload.has_next = false;
    sh_settings_reload_begin(reload.service, settings, reload.watches_files);
}

void sh_settings_reload_end(void)
{
    forget_next();
    forget_live();
    sh_source_reset(&reload.source);
    reload.service = NULL;
}

/* --- Changes --------------------------------------------------------------------------------- */

/* Whether the files have changed and are complete. */
static sh_reload_state look_at_files(void)
{
    stamps now;
    int64_t now_ms = sh_clock_monotonic_ms();
    if (sh_file_stamp_get(reload.settings->config_file, &now.config, NULL) != SH_OK ||
        sh_file_stamp_get(reload.settings->override_file, &now.override, NULL) != SH_OK)
        return SH_RELOAD_NONE; /* the next call decides */
    if (stamps_equal(&now, &reload.known)) {
        reload.first_ms = 0;
        return SH_RELOAD_NONE;
    }
    if (reload.first_ms == 0 || !stamps_equal(&now, &reload.seen)) {
        reload.first_ms = reload.first_ms == 0 ? now_ms : reload.first_ms;
        reload.seen = now;
        reload.seen_ms = now_ms;
    }
    bool settled =
        now_ms - reload.seen_ms >= SETTLE_MS || now_ms - reload.first_ms >= SETTLE_MAX_MS;
    return settled ? SH_RELOAD_DUE : SH_RELOAD_SETTLING;
}

static sh_err load_next(sh_error *error)
{
    const sh_service *service = reload.service;
    sh_err err =
        sh_settings_load_with_hub(service->program, environ, &reload.source, &reload.next, error);
    reload.has_next = true;
    if (err == SH_OK && service->check != NULL)
        err = service->check(&reload.next, error);
    return err;
}

/*
 * Appends the names of the settings whose new values differ: those that are used while the program
 * runs on, or the others.
 */
static sh_err names_of_changes(bool live, sh_buf *ret)
{
    const sh_settings *now = reload.has_live ? &reload.live : reload.settings;
    sh_err err = SH_OK;
    for (size_t i = 0; i < sh_setting_count && err == SH_OK; i++) {
        const sh_setting *row = &sh_setting_table[i];
        bool counts = (row->programs & reload.service->program) != 0 &&
                      (is_live(row, now) && is_live(row, &reload.next)) == live;
        if (counts && sh_setting_differs(row, now, &reload.next))
            err = sh_buf_append_format(ret, "%s%s", ret->len == 0 ? "" : ", ", row->name);
    }
    return err;
}

/* From here on the new live settings are in use; the modules that use them ask for them. */
static void use_live(void)
{
    forget_live();
    reload.live = reload.next;
    reload.has_live = true;
    reload.has_next = false;
    update_report();
}

/* Compares the new settings with the old ones; false if the program runs on. */
static bool is_changed(const char *where)
{
    SH_CLEANUP(sh_buf_reset) sh_buf names = SH_BUF_INIT(16 * SH_KIB);
    SH_CLEANUP(sh_buf_reset) sh_buf live = SH_BUF_INIT(16 * SH_KIB);
    if (names_of_changes(false, &names) != SH_OK || names_of_changes(true, &live) != SH_OK)
        return false;
    if (live.len > 0)
        sh_log_info("%s, now in use: %s", where, live.data);
    if (names.len > 0 && reload.service->reloads) {
        sh_log_info("%s: %s", where, names.data);
        return true;
    }
    if (names.len > 0)
        sh_log_warning("%s: restart this program to use %s", where, names.data);
    use_live();
    return false;
}

/* Reads what was published anew. */
static bool look_at_hub(void)
{
    SH_CLEANUP(sh_buf_reset) sh_buf text = SH_BUF_INIT(SH_HUB_SETTINGS_MAX);
    SH_CLEANUP(sh_source_reset) sh_source source = {0};
    sh_error error = {.code = SH_OK};
    if (!sh_hub_settings_take(&reload.taken, &text))
        return false;
    if (sh_source_from_json((sh_slice){text.data, text.len}, &source, &error) != SH_OK) {
        sh_log_warning("the settings made on the hub cannot be read: %s", error.message);
        return false;
    }
    sh_source_reset(&reload.source);
    reload.source = source;
    source = (sh_source){.count = 0};
    return true;
}

static void log_invalid(bool from_file, const sh_error *error)
{
    if (from_file)
        sh_log_error("%s was changed but is invalid, so the previous settings stay in use: %s",
                     reload.settings->config_file, error->message);
    else
        sh_log_error("settings were changed on the hub, but the previous ones stay in use: %s",
                     error->message);
}

sh_reload_state sh_service_reload_state(void)
{
    if (reload.service == NULL)
        return SH_RELOAD_NONE;
    if (reload.has_next)
        return SH_RELOAD_DUE;
    sh_reload_state state = reload.watches_files ? look_at_files() : SH_RELOAD_NONE;
    if (state == SH_RELOAD_SETTLING)
        return state;
    bool from_file = state == SH_RELOAD_DUE;
    if (!look_at_hub() && !from_file)
        return SH_RELOAD_NONE;
    char where[SH_ERROR_MESSAGE_BYTES] = "settings were changed on the hub";
    sh_error error = {0};
    sh_err err = load_next(&error);
    if (from_file) {
        (void)snprintf(where, sizeof where, "%s was changed", reload.settings->config_file);
        reload.known = reload.seen;
        reload.first_ms = 0;
    }
    for (size_t i = 0; i < reload.next.warnings.count; i++)
        sh_log_warning("%s", reload.next.warnings.items[i]);
    if (err != SH_OK)
        log_invalid(from_file, &error);
    else if (is_changed(where))
        return SH_RELOAD_DUE;
    forget_next();
    return SH_RELOAD_NONE;
}
