/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/cli/doctor_command.h"

#include "libcommon/runtime/service.h"
#include "receiver/cli/doctor_checks.h"
#include "receiver/cli/show_output.h"

static void add_settings(const sh_settings *settings, sh_doctor_report *report)
{
    for (size_t i = 0; i < settings->warnings.count; i++)
        sh_doctor_add(report, SH_CHECK_WARNING, "settings", settings->warnings.items[i],
                      "correct it; `synchub-receiver --check-config` shows all settings");
    if (settings->warnings.count == 0)
        sh_doctor_add(report, SH_CHECK_OK, "settings", "they are complete and valid", NULL);
}

int doctor_command(const sh_settings *settings, int argc, char *const argv[])
{
    static const show_command command = {.name = "doctor", .usage = DOCTOR_USAGE};
    sh_error error = {.code = SH_OK};
    show_options options;
    doctor d = {.settings = settings};
    sh_err err = show_options_read(&command, argc, argv, &options, &error);
    if (err == SH_OK)
        err = sh_doctor_report_new(&d.report, &error);
    if (err != SH_OK)
        return show_failure(&command, &error, stderr);
    add_settings(settings, d.report);
    doctor_check_database(&d);
    doctor_check_redis(&d);
    doctor_check_hub(&d);
    doctor_check_listener(&d);
    sh_queue_free(d.queue);
    store_close(d.store);
    int code = sh_doctor_finish(d.report, "synchub-receiver", options.json);
    sh_doctor_report_free(d.report);
    return code;
}
