/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_CONSOLE_H
#define RECEIVER_CONSOLE_H

#include "libcommon/base/error.h"
#include "libcommon/config/settings.h"

/*
 * The console: an API under /api/v1, described by openapi.json, and a page that uses it. It has a
 * listener of its own, on which nothing of the nodes' port answers.
 */
typedef struct console console;

/*
 * Starts it on SYNC_console_listen. The default address may be in use by another hub of this host:
 * that is logged, and *ret is NULL. SH_E_CONFIG, SH_E_IO, SH_E_MEMORY. The settings must outlive
 * it.
 */
sh_err console_start(const sh_settings *settings, console **ret, sh_error *error);
void console_stop(console *c); /* NULL is accepted */

/* The address that browsers use: that of SYNC_console_url, or one made of address and port. */
#define CONSOLE_URL_BYTES 600
void console_url_write(const sh_settings *settings, uint16_t port, bool has_tls,
                       char ret[static CONSOLE_URL_BYTES]);

#endif
