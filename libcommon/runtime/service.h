/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_SERVICE_H
#define SH_SERVICE_H

#include "libcommon/base/error.h"
#include "libcommon/base/version.h"
#include "libcommon/config/settings.h"

#include <stdbool.h>
#include <stdint.h>

/* What the three programs have in common around their work: command line, settings, signals. */

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
     * be called again with the new settings after SH_RELOAD_DUE.
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

/*
 * The whole main(): --help, --version, --check-config, --once, subcommands; anything else unknown
 * is exit 2 with the usage. Initialises crypto, log and signals, loads the settings (a bad one: one
 * clear line on standard error, exit 2), logs their warnings.
 */
int sh_service_main(const sh_service *service, int argc, char *const argv[]);

/*
 * Readable from the first SIGTERM or SIGINT on; for poll(), never to be read. -1, which poll()
 * passes over, outside of a service's run().
 */
int sh_stop_fd(void);
bool sh_stop_requested(void);
/*
 * Readable from a SIGHUP on until sh_hangup_take(), which tells whether there was one: for one
 * thread, which reads again what it has read from files. -1 outside of a service's run().
 */
int sh_hangup_fd(void);
bool sh_hangup_take(void);
/*
 * Whether SYNC_config_file, or the override beside it, was changed since the settings were read.
 * For run()'s thread, to be asked every few seconds and before each piece of work that settings
 * decide. Changes that cannot be used are logged, and the old settings stay.
 */
typedef enum {
    SH_RELOAD_NONE,
    SH_RELOAD_SETTLING, /* it is being written: what can wait for a second, waits */
    SH_RELOAD_DUE,      /* run() should return SH_RUN_AGAIN */
} sh_reload_state;
sh_reload_state sh_service_reload_state(void);

/*
 * Tells the service manager's watchdog that run()'s thread is alive; nothing in other threads. The
 * waits below do so too: what works for long without them calls it every few seconds.
 */
void sh_service_alive(void);
/*
 * Waits ms by the monotonic clock, or for a stop; true when stopped. There is no wait until a time
 * of the wall clock, which may be set meanwhile: see sh_schedule.
 */
bool sh_stop_wait(int64_t ms);

#endif
