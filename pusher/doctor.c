/* SPDX-License-Identifier: Apache-2.0 */
#include "pusher/doctor.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/clock.h"
#include "libcommon/crypto/compression.h"
#include "libcommon/runtime/doctor_files.h"
#include "libcommon/runtime/service.h"
#include "libcommon/runtime/stop.h"
#include "pusher/settings_check.h"
#include "pusher/source.h"
#include "pusher/spool_list.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void check_settings(sh_doctor_report *report, const sh_settings *settings)
{
    for (size_t i = 0; i < settings->warnings.count; i++)
        sh_doctor_add(report, SH_CHECK_WARNING, "settings", settings->warnings.items[i],
                      "correct or remove it");
    bool pushes = settings->run != SH_RUN_DISABLED && pusher_is_active(settings);
    if (pushes || settings->listen[0] != '\0')
        sh_doctor_add_format(report, SH_CHECK_OK, "settings", NULL, "node %s %s",
                             settings->node_name, pushes ? "pushes" : "waits to be pulled");
    else
        sh_doctor_add(
            report, SH_CHECK_WARNING, "settings", "nothing is pushed or served",
            "set SYNC_hub_url, SYNC_devices or SYNC_plugins, and SYNC_RUN; or SYNC_listen "
            "if the hub pulls this node");
}

static void check_age(sh_doctor_report *report, const sh_settings *settings,
                      const source_text *text, heartbeat *c)
{
    int64_t now_ms = sh_clock_unix_ms();
    char when[SH_RFC3339_BYTES];
    heartbeat_table_age(c, settings->devices_file, &text->stamp, settings->table_max_age_s, now_ms);
    const heartbeat_problem *old = &c->problems[PROBLEM_TABLE_AGE];
    sh_clock_rfc3339(text->stamp.mtime_ns / 1000000, when);
    if (old->kind[0] != '\0')
        sh_doctor_add(report, SH_CHECK_WARNING, "device table", old->text,
                      "check that NetAlertX runs and scans, or raise SYNC_table_max_age");
    else
        sh_doctor_add_format(report, SH_CHECK_OK, "device table", NULL,
                             "%s has %zu devices, written at %s", settings->devices_file,
                             text->rows, when);
}

/* Raises *ret to about the size in which a text, or its first part, is pushed. */
static void note_size(const sh_buf *text, size_t *ret)
{
    SH_CLEANUP(sh_buf_reset) sh_buf packed = SH_BUF_INIT(2 * SH_PART_MAX);
    size_t len = text->len < SH_PART_MAX ? text->len : SH_PART_MAX;
    if (len > 0 && sh_compress((sh_slice){text->data, len}, &packed, NULL) == SH_OK &&
        packed.len > *ret)
        *ret = packed.len;
}

static void check_table(sh_doctor_report *report, const sh_settings *settings, heartbeat *c,
                        size_t *push_bytes)
{
    SH_CLEANUP(source_text_reset) source_text text = {.text = SH_BUF_INIT(SH_TABLE_MAX)};
    SH_CLEANUP(source_reset) source table = {.path = NULL};
    sh_error error = {.code = SH_OK};
    if (!settings->devices && settings->run != SH_RUN_ON_NEW_DEVICE &&
        settings->listen[0] == '\0') {
        sh_doctor_add(report, SH_CHECK_SKIPPED, "device table", "SYNC_devices is off", NULL);
        return;
    }
    sh_err err = source_init_devices(&table, settings->devices_file, &error);
    if (err == SH_OK)
        err = source_read(&table, sh_stop_wait, &text, &error);
    if (err == SH_OK) {
        check_age(report, settings, &text, c);
        if (settings->devices)
            note_size(&text.text, push_bytes);
        return;
    }
    heartbeat_table_failed(c, &error);
    sh_doctor_add(report, SH_CHECK_FAILED, "device table", error.message,
                  "SYNC_devices_file must be the table_devices.json of a NetAlertX that runs, "
                  "readable for the pusher's user");
}

static void check_plugin(sh_doctor_report *report, const sh_settings *settings, const char *plugin,
                         heartbeat *c, size_t *push_bytes)
{
    SH_CLEANUP(source_text_reset) source_text text = SOURCE_TEXT_INIT;
    SH_CLEANUP(source_reset) source result = {.path = NULL};
    sh_error error = {.code = SH_OK};
    sh_err err = source_init_plugin(&result, settings->plugins_dir, plugin, &error);
    if (err == SH_OK)
        err = source_read(&result, sh_stop_wait, &text, &error);
    if (err == SH_OK) {
        sh_doctor_add_format(report, SH_CHECK_OK, "plugin result", NULL, "%s has %zu bytes",
                             result.path, text.text.len);
        note_size(&text.text, push_bytes);
        return;
    }
    heartbeat_problem_set(c, PROBLEM_RESULT, "result_unreadable", error.message);
    sh_doctor_add(report, SH_CHECK_FAILED, "plugin result", error.message,
                  "correct SYNC_plugins or SYNC_plugins_dir, or let the plugin run once");
}

static void check_spool(sh_doctor_report *report, const sh_settings *settings, heartbeat *c)
{
    SH_CLEANUP(spool_entries_free) spool_entries entries = {.count = 0};
    sh_error error = {.code = SH_OK};
    size_t waiting = 0, bytes = 0, refused = 0;
    sh_err err = sh_folder_check_writable(settings->spool_dir, &error);
    if (err == SH_OK)
        err = sh_folder_check_room(settings->spool_dir, &error);
    if (err == SH_OK)
        err = spool_list(settings->spool_dir, &entries, &error);
    if (err != SH_OK) {
        heartbeat_problem_set(c, PROBLEM_SPOOL, "spool_unusable", error.message);
        sh_doctor_add(report, settings->plugins.count > 0 ? SH_CHECK_FAILED : SH_CHECK_WARNING,
                      "spool", error.message,
                      "SYNC_spool_dir must be a folder that the pusher's user can write to, on a "
                      "disk with room");
        return;
    }
    for (size_t i = 0; i < entries.count; i++) {
        waiting += entries.entries[i].state == SPOOL_WAITING;
        bytes += entries.entries[i].state == SPOOL_WAITING ? entries.entries[i].bytes : 0;
        refused += entries.entries[i].in_refused;
    }
    bool full = waiting >= SH_SPOOL_ENTRIES_MAX || bytes >= SH_SPOOL_BYTES_MAX;
    if (full)
        heartbeat_problem_set(c, PROBLEM_SPOOL, "spool_full", "the spool is full");
    sh_check_status status = full ? SH_CHECK_FAILED : refused > 0 ? SH_CHECK_WARNING : SH_CHECK_OK;
    sh_doctor_add_format(report, status, "spool",
                         full          ? "the hub must accept them first: see the checks of the hub"
                         : refused > 0 ? "see `synchub-pusher spool list`, then `spool retry` or "
                                         "`spool drop`"
                                       : NULL,
                         "%s has %zu plugin results that wait and %zu refused ones",
                         settings->spool_dir, waiting, refused);
}

static sh_err check_all(const sh_settings *settings, sh_doctor_report *report)
{
    heartbeat c;
    size_t push_bytes = 0;
    bool single = settings->run == SH_RUN_ONCE || settings->run == SH_RUN_DISABLED;
    heartbeat_init(&c, single ? NULL : &settings->cron);
    heartbeat_instance_read(settings->spool_dir, c.instance);
    check_settings(report, settings);
    sh_doctor_check_modes(report, settings);
    check_table(report, settings, &c, &push_bytes);
    for (size_t i = 0; i < settings->plugins.count; i++)
        check_plugin(report, settings, settings->plugins.items[i], &c, &push_bytes);
    check_spool(report, settings, &c);
    doctor_check_hub(report, settings, &c, push_bytes);
    return SH_OK;
}

int doctor_command(const sh_settings *settings, int argc, char *const argv[])
{
    sh_error error = {.code = SH_OK};
    sh_doctor_report *report = NULL;
    bool json = argc == 1 && strcmp(argv[0], "--json") == 0;
    if (argc > 1 || (argc == 1 && !json)) {
        (void)fprintf(stderr, "synchub-pusher doctor: usage: doctor [--json]\n");
        return SH_EXIT_CONFIG;
    }
    sh_err err = sh_doctor_report_new(&report, &error);
    if (err == SH_OK)
        err = check_all(settings, report);
    int code = SH_EXIT_FAILED;
    if (err == SH_OK)
        code = sh_doctor_finish(report, "synchub-pusher", json);
    else
        (void)fprintf(stderr, "synchub-pusher doctor: %s\n", error.message);
    sh_doctor_report_free(report);
    return code;
}
