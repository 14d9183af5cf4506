/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_NOTIFY_H
#define SH_NOTIFY_H

#include "libcommon/base/error.h"

#include <stdint.h>

/*
 * Messages to the service manager by systemd's sd_notify(3) protocol: one datagram each to the
 * socket in NOTIFY_SOCKET. Without NOTIFY_SOCKET all functions do nothing. Thread-safe after
 * sh_notify_init(); never blocks.
 */

/* The threads that must be alive for the watchdog (WATCHDOG_USEC) to be notified. */
typedef enum {
    SH_NOTIFY_MAIN,     /* the thread of the service's run() */
    SH_NOTIFY_LISTENER, /* the listener's thread */
} sh_notify_part;

/*
 * Connects to the socket; call it before starting threads. SH_E_CONFIG: invalid variables; SH_E_IO:
 * cannot connect. After a failure no messages are sent.
 */
sh_err sh_notify_init(sh_error *error);

/*
 * Reports that the service is ready; status is a line for `systemctl status`. Only the first call
 * has an effect.
 */
void sh_notify_ready(const char *status);
void sh_notify_status(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Reports the start and end of reloading files after SIGHUP. */
void sh_notify_reloading(void);
void sh_notify_reloaded(void);

/* Reports that the program is about to end. Async-signal-safe. */
void sh_notify_stopping(void);

/*
 * From now on the watchdog requires a part to be alive, or no longer. SH_NOTIFY_MAIN is required
 * from the start.
 */
void sh_notify_expect(sh_notify_part part);
void sh_notify_dismiss(sh_notify_part part);

/*
 * Reports that a part is alive: each calls this at least every sh_notify_interval_ms() while it
 * works or waits. The watchdog is notified once all expected parts have done so. Cheap: usually it
 * only reads the clock.
 */
void sh_notify_alive(sh_notify_part part);

/* A quarter of the watchdog's period; INT64_MAX without a watchdog. */
int64_t sh_notify_interval_ms(void);

#endif
