/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_NOTIFY_H
#define SH_NOTIFY_H

#include "libcommon/base/error.h"

#include <stdint.h>

/*
 * What a service tells its service manager: systemd's sd_notify(3) protocol, one datagram for each
 * message to the socket that NOTIFY_SOCKET names. Without NOTIFY_SOCKET all of it does nothing.
 * Thread-safe after sh_notify_init(); nothing here waits.
 */

/* Who must be alive for the watchdog (WATCHDOG_USEC) to be fed. */
typedef enum {
    SH_NOTIFY_MAIN,     /* the thread of the service's run() */
    SH_NOTIFY_LISTENER, /* the thread beside the HTTP server */
} sh_notify_part;

/*
 * Connects to the socket. SH_E_CONFIG where the variables are unfit, SH_E_IO where nobody listens;
 * then nothing will be told. Before the first thread.
 */
sh_err sh_notify_init(sh_error *error);

/* The work has begun; status is a line for `systemctl status`. Only the first call counts. */
void sh_notify_ready(const char *status);
void sh_notify_status(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Around reading files again at a SIGHUP. */
void sh_notify_reloading(void);
void sh_notify_reloaded(void);

/* The program will end. May be called in a signal handler. */
void sh_notify_stopping(void);

/* From now on a part must be alive (SH_NOTIFY_MAIN is from the start), or no longer. */
void sh_notify_expect(sh_notify_part part);
void sh_notify_dismiss(sh_notify_part part);

/*
 * A part is alive: each calls this at least every sh_notify_interval_ms() while it works or waits.
 * The watchdog is fed once all that are expected have done so. Cheap: mostly one look at the clock.
 */
void sh_notify_alive(sh_notify_part part);

/* A quarter of the watchdog's time; INT64_MAX where there is none. */
int64_t sh_notify_interval_ms(void);

#endif
