/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/runtime/settings_reload.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/clock.h"
#include "libcommon/base/limits.h"
#include "libcommon/config/settings_diff.h"
#include "libcommon/config/settings_load.h"
#include "libcommon/runtime/log.h"

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
    const sh_service *service; /* NULL: no file is watched */
    const sh_settings *settings;
    stamps known;     /* of the files that were read, valid or not */
    stamps seen;      /* of the current files, if they differ … */
    int64_t seen_ms;  /* … since when they are like this, … */
    int64_t first_ms; /* … and since when they differ; 0: they do not */
    bool has_next;
    sh_settings next;
} reload;

static bool stamps_equal(const stamps *a, const stamps *b)
{
    return sh_file_stamp_equals(&a->config, &b->config) &&
           sh_file_stamp_equals(&a->override, &b->override);
}

void sh_settings_reload_begin(const sh_service *service, const sh_settings *settings)
{
    reload.service = settings->config_file[0] == '\0' ? NULL : service;
    reload.settings = settings;
    reload.known = (stamps){settings->config_stamp, settings->override_stamp};
    reload.first_ms = 0;
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
    sh_settings_reload_begin(reload.service, settings);
}

void sh_settings_reload_end(void)
{
    forget_next();
    reload.service = NULL;
}

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
    sh_err err = sh_settings_load(service->program, environ, &reload.next, error);
    reload.has_next = true;
    if (err == SH_OK && service->check != NULL)
        err = service->check(&reload.next, error);
    return err;
}

/* Compares the new settings with the old ones; false if there is nothing to do. */
static bool is_changed(void)
{
    SH_CLEANUP(sh_buf_reset) sh_buf names = SH_BUF_INIT(16 * SH_KIB);
    if (sh_settings_differ(reload.settings, &reload.next, reload.service->program, &names) !=
            SH_OK ||
        names.len == 0)
        return false;
    if (reload.service->reloads) {
        sh_log_info("%s was changed: %s", reload.settings->config_file, names.data);
        return true;
    }
    sh_log_warning("%s was changed: restart this program to use %s", reload.settings->config_file,
                   names.data);
    return false;
}

sh_reload_state sh_service_reload_state(void)
{
    if (reload.service == NULL)
        return SH_RELOAD_NONE;
    if (reload.has_next)
        return SH_RELOAD_DUE;
    sh_reload_state state = look_at_files();
    if (state != SH_RELOAD_DUE)
        return state;
    sh_error error = {0};
    sh_err err = load_next(&error);
    reload.known = reload.seen;
    reload.first_ms = 0;
    for (size_t i = 0; i < reload.next.warnings.count; i++)
        sh_log_warning("%s", reload.next.warnings.items[i]);
    if (err != SH_OK)
        sh_log_error("%s was changed but is invalid, so the previous settings stay in use: %s",
                     reload.settings->config_file, error.message);
    if (err == SH_OK && is_changed())
        return SH_RELOAD_DUE;
    forget_next();
    return SH_RELOAD_NONE;
}
