/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_SERVICE_H
#define SH_SERVICE_H

#include "libcommon/base/error.h"
#include "libcommon/base/version.h"
#include "libcommon/config/settings.h"

#include <stdbool.h>
#include <stdint.h>

/* Describes a program for service_main.h: its name, subcommands and main work. */

#define SH_EXIT_DONE 0
#define SH_EXIT_FAILED 1
#define SH_EXIT_PROBLEMS 3 /* a command that looks for problems found some */
#define SH_EXIT_CONFIG 2
#define SH_RUN_AGAIN (-1) /* not an exit code: see sh_service.run */

typedef struct {
    const char *name;    /* `receiver` */
    const char *summary; /* one line for --help */
    int program;         /* SH_FOR_… */
    const char *commit;  /* SYNCHUB_COMMIT of <synchub_commit.h>; NULL: unknown */
    /* The libraries that --version lists, NULL-terminated; may be NULL. */
    sh_library_version *const *libraries;
    /*
     * Subcommands: run() gets the loaded settings and the arguments after the name, and returns the
     * exit code. Signal handling is unchanged. The last name is NULL. May be NULL.
     */
    const struct sh_subcommand *subcommands;
    /* Checks across settings that only this program has; also for --check-config. May be NULL. */
    sh_err (*check)(const sh_settings *settings, sh_error *error);
    /*
     * The main work; once is --once or SYNC_RUN=once. Returns the exit code, or SH_RUN_AGAIN after
     * SH_RELOAD_DUE (settings_reload.h) to be called again with the new settings.
     */
    int (*run)(const sh_settings *settings, bool once);
    bool reloads; /* run() can return SH_RUN_AGAIN; otherwise changes are only logged */
} sh_service;

typedef struct sh_subcommand {
    const char *name;  /* one word or more: `devices`, `dead list` */
    const char *usage; /* `devices [--node N] [--json]` */
    const char *help;
    int (*run)(const sh_settings *settings, int argc, char *const argv[]);
    /*
     * Whether it needs all settings that the service requires (token, key, …) and its check().
     * Otherwise secrets are not read, and settings must be valid but need not be complete.
     */
    bool needs_secrets;
    bool is_default; /* the first of its two words may stand alone, also with options */
} sh_subcommand;

#endif
