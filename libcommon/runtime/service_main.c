/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/runtime/service_main.h"

#include "libcommon/base/clock.h"
#include "libcommon/config/settings_load.h"
#include "libcommon/config/settings_print.h"
#include "libcommon/config/settings_table.h"
#include "libcommon/crypto/crypto.h"
#include "libcommon/runtime/command_help.h"
#include "libcommon/runtime/command_line.h"
#include "libcommon/runtime/healthcheck_command.h"
#include "libcommon/runtime/log.h"
#include "libcommon/runtime/notify.h"
#include "libcommon/runtime/service_describe.h"
#include "libcommon/runtime/settings_reload.h"
#include "libcommon/runtime/stop.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#define OPEN_FILES 4096

#define LOG_FLUSH_MS 1000 /* for writing the last log lines */

/* For container engines: the images contain no other HTTP client. */
static int run_healthcheck(const sh_settings *settings, int argc, char *const argv[])
{
    sh_error error = {0};
    (void)argv;
    if (argc != 0) {
        sh_log_error("healthcheck takes no arguments");
        return SH_EXIT_CONFIG;
    }
    if (settings->listen[0] == '\0') {
        (void)puts("SYNC_listen is not set, so there is nothing to check");
        return SH_EXIT_DONE;
    }
    if (sh_healthcheck(&SH_HEALTH_OF_PROGRAM(settings->listen, settings->tls_cert), &error) !=
        SH_OK) {
        sh_log_error("%s", error.message);
        return SH_EXIT_FAILED;
    }
    (void)puts("ready");
    return SH_EXIT_DONE;
}

static const sh_subcommand healthcheck = {
    .name = "healthcheck",
    .usage = "healthcheck",
    .help = "ask the running program whether it is ready; exit with 0 or 1",
    .run = run_healthcheck,
};

/*
 * Reports that standard output could not be written, with errno's text if any; returns the exit
 * code.
 */
static int fail_output(const sh_service *service)
{
    (void)fprintf(stderr, "synchub-%s: standard output could not be written%s%s\n", service->name,
                  errno == 0 ? "" : ": ", errno == 0 ? "" : strerror(errno));
    return SH_EXIT_FAILED;
}

/* Standard output must be complete: a full disk is a failure. */
static int end_output(const sh_service *service, int code)
{
    errno = 0;
    if (code != SH_EXIT_DONE || (fflush(stdout) == 0 && !ferror(stdout)))
        return code;
    return fail_output(service);
}

/* Handles --help and the like, which need no settings; *code is then the exit code. */
static bool answer(const sh_service *service, const sh_command_line *command, int *code)
{
    *code = SH_EXIT_DONE;
    if (command->group != NULL) {
        /* A group without a second word is an incomplete command. */
        *code = command->help ? SH_EXIT_DONE : SH_EXIT_CONFIG;
        sh_help_group(service, command->group, command->help ? stdout : stderr);
    } else if (command->help && command->subcommand != NULL) {
        sh_help_subcommand(service, command->subcommand, stdout);
    } else if (command->help) {
        sh_help_program(service, &healthcheck, stdout);
    } else if (command->version) {
        sh_version_print(service->name, service->libraries, stdout);
    } else if (command->describe) {
        errno = 0;
        if (sh_service_describe(service, &healthcheck, stdout) != SH_OK)
            *code = fail_output(service);
    } else {
        return false;
    }
    return true;
}

/* --- Running --------------------------------------------------------------------------------- */

/* Token and keys are in memory: forbid core files and reading by other processes. */
static void forbid_core_dumps(void)
{
    struct rlimit none = {0, 0};
    (void)setrlimit(RLIMIT_CORE, &none);
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

/*
 * A hub has many connections; the usual soft limit of 1024 files is for programs that use select().
 */
static void allow_many_files(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur >= OPEN_FILES)
        return;
    files.rlim_cur = files.rlim_max < OPEN_FILES ? files.rlim_max : OPEN_FILES;
    (void)setrlimit(RLIMIT_NOFILE, &files);
}

static sh_err load_settings(const sh_service *service, const sh_subcommand *subcommand,
                            sh_settings *settings, sh_error *error)
{
    bool whole = subcommand == NULL || subcommand->needs_secrets;
    sh_err err = whole ? sh_settings_load(service->program, environ, settings, error)
                 : subcommand == &healthcheck
                     ? sh_settings_load_probe(service->program, environ, settings, error)
                     : sh_settings_load_part(service->program, environ, settings, error);
    if (err == SH_OK && whole && service->check != NULL)
        err = service->check(settings, error);
    sh_log_init(service->name, (sh_log_level)settings->log_level,
                (sh_log_format)settings->log_format);
    return err;
}

static int check_config(const sh_service *service, const sh_settings *settings, sh_error *error)
{
    errno = 0;
    sh_err err = sh_settings_print(settings, service->program, stdout);
    if (err == SH_OK)
        return SH_EXIT_DONE;
    (void)sh_fail(error, err, "%s",
                  err == SH_E_IO && errno != 0 ? strerror(errno) : sh_err_name(err));
    sh_log_error("cannot print the settings: %s", error->message);
    return SH_EXIT_FAILED;
}

/* NetAlertX's default disables its sync, which users hardly expect of these programs. */
static bool is_unused(const sh_service *service, const sh_settings *settings)
{
    return service->program != SH_FOR_RECEIVER && settings->run_is_unused;
}

static void log_unused(sh_log_level level, const sh_settings *settings)
{
    bool file = settings->config_file[0] != '\0';
    sh_log(level,
           "nothing will be sent or pulled: SYNC_RUN is 'unused'%s%s, which is NetAlertX's "
           "default; set SYNC_RUN=schedule, or another value that --help lists, in the "
           "environment of this program%s",
           file ? " in " : "", settings->config_file,
           file ? ", which has precedence over that file" : "");
}

/* A node that is pulled answers whatever SYNC_RUN is, as NetAlertX does. */
static void warn_if_unused(const sh_service *service, const sh_settings *settings)
{
    bool is_pulled = service->program == SH_FOR_PUSHER && settings->listen[0] != '\0';
    if (is_unused(service, settings) && !is_pulled)
        log_unused(SH_LOG_WARNING, settings);
}

/* A program that ended could not be told another value, so what the hub says does not end it. */
static bool runs_once(const sh_service *service, const sh_settings *settings)
{
    const sh_setting *row = sh_setting_find("SYNC_RUN", service->program);
    return row != NULL && settings->run == SH_RUN_ONCE &&
           settings->origins[row - sh_setting_table] != SH_ORIGIN_HUB;
}

static int run_until_ended(const sh_service *service, sh_settings *settings, bool once)
{
    int code = SH_RUN_AGAIN;
    sh_settings_reload_begin(service, settings, !once);
    while (code == SH_RUN_AGAIN) {
        warn_if_unused(service, settings);
        code = service->run(settings, once || runs_once(service, settings));
        sh_settings_reload_take(settings);
        sh_log_init(service->name, (sh_log_level)settings->log_level,
                    (sh_log_format)settings->log_format);
    }
    sh_settings_reload_end();
    return code;
}

static int run_service(const sh_service *service, sh_settings *settings, bool once)
{
    if (sh_stop_requested())
        return SH_EXIT_DONE;
    if (once && is_unused(service, settings)) {
        log_unused(SH_LOG_ERROR, settings);
        return SH_EXIT_CONFIG;
    }
    sh_error manager = {0};
    if (sh_notify_init(&manager) != SH_OK)
        sh_log_warning("%s", manager.message);
    int code = run_until_ended(service, settings, once);
    if (code == SH_EXIT_DONE)
        sh_notify_ready("done"); /* a service that ends at once has started nevertheless */
    return code;
}

static int run_with_settings(const sh_service *service, const sh_command_line *command)
{
    sh_settings settings;
    sh_error error = {0};
    const sh_subcommand *subcommand = command->subcommand;
    int code;
    /* Subcommands keep the default signal handling. */
    bool serves = subcommand == NULL && !command->check_config;
    if (sh_crypto_init(&error) != SH_OK || (serves && sh_stop_init(&error) != SH_OK)) {
        sh_log_error("%s", error.message);
        return SH_EXIT_FAILED;
    }
    sh_err err = load_settings(service, subcommand, &settings, &error);
    for (size_t i = 0; i < settings.warnings.count; i++)
        sh_log_warning("%s", settings.warnings.items[i]);
    if (err != SH_OK) {
        sh_log_error("%s", error.message);
        code = err == SH_E_MEMORY ? SH_EXIT_FAILED : SH_EXIT_CONFIG;
    } else if (command->check_config) {
        warn_if_unused(service, &settings);
        code = check_config(service, &settings, &error);
    } else if (subcommand != NULL) {
        code = subcommand->run(&settings, command->rest_count, command->rest);
    } else {
        code = run_service(service, &settings, command->once);
    }
    sh_settings_reset(&settings);
    return code;
}

static int run_command_line(const sh_service *service, int argc, char *const argv[])
{
    sh_command_line command = {0};
    int code;
    if (!sh_command_line_read(service, &healthcheck, argc, argv, &command))
        return SH_EXIT_CONFIG;
    if (answer(service, &command, &code))
        return code;
    forbid_core_dumps();
    allow_many_files();
    return run_with_settings(service, &command);
}

int sh_service_main(const sh_service *service, int argc, char *const argv[])
{
    sh_version_init(service->name, service->commit);
    sh_settings_set_folders(SYNCHUB_ETC, "/etc/credstore");
    sh_log_init(service->name, SH_LOG_INFO, SH_LOG_TEXT);
    int code = run_command_line(service, argc, argv);
    code = end_output(service, code);
    (void)sh_log_flush(LOG_FLUSH_MS);
    return code;
}
