/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_SERVICE_H
#define SH_SERVICE_H

#include "libcommon/base/error.h"
#include "libcommon/base/version.h"
#include "libcommon/config/settings.h"

#include <stdbool.h>
#include <stdint.h>

/* What a program consists of, for service_main.h: its name, subcommands and work. */

#define SH_EXIT_DONE 0
#define SH_EXIT_FAILED 1
#define SH_EXIT_CONFIG 2
#define SH_RUN_AGAIN (-1) /* no exit code: see sh_service.run */

typedef struct {
    const char *name;    /* `receiver` */
    const char *summary; /* one line for --help */
    int program;         /* SH_FOR_… */
    const char *commit;  /* SYNCHUB_COMMIT of <synchub_commit.h>; NULL: unknown */
    /* The libraries that --version lists, ends with NULL; may be NULL. */
    sh_library_version *const *libraries;
    /*
     * Subcommands, table-driven: run() gets the arguments behind the name, the loaded settings, and
     * returns the exit code. Signals are left as they were. Ends with a name of NULL. May be NULL.
     */
    const struct sh_subcommand *subcommands;
    /* Checks across settings that this program alone has; for --check-config too. May be NULL. */
    sh_err (*check)(const sh_settings *settings, sh_error *error);
    /*
     * The work itself; once is --once or SYNC_RUN=once. Returns the exit code, or SH_RUN_AGAIN to
     * be called again with the new settings after SH_RELOAD_DUE (settings_reload.h).
     */
    int (*run)(const sh_settings *settings, bool once);
    bool reloads; /* it can be called again; otherwise changed settings are only reported */
} sh_service;

typedef struct sh_subcommand {
    const char *name;  /* one word or two: `devices`, `dead list` */
    const char *usage; /* `devices [--node N] [--json]` */
    const char *help;
    int (*run)(const sh_settings *settings, int argc, char *const argv[]);
    /*
     * Whether it needs all that the service itself needs (token, key, …) and its check(). Else
     * secrets are not even read, and settings only have to be right, not complete.
     */
    bool needs_secrets;
} sh_subcommand;

#endif
