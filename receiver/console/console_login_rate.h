/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_CONSOLE_LOGIN_RATE_H
#define RECEIVER_CONSOLE_LOGIN_RATE_H

#include "libcommon/base/error.h"

#include <stdint.h>

/*
 * How fast passwords and codes may be tried: an address waits after SH_CONSOLE_LOGINS_FREE
 * failures, twice as long after each further one, and all addresses together may try
 * SH_CONSOLE_LOGINS_PER_S in a second. Addresses that have logged in since the start have as many
 * tries of their own, so that guesses from many addresses do not keep an operator out. Times are
 * monotonic. Thread-safe.
 */
typedef struct console_login_rate console_login_rate;

/* SH_E_MEMORY. */
sh_err console_login_rate_new(console_login_rate **ret, sh_error *error);
void console_login_rate_free(console_login_rate *rate); /* NULL is accepted */

/* 0: the address may try now, which counts; otherwise after how many seconds. */
int64_t console_login_rate_wait(console_login_rate *rate, const char *address, int64_t now_ms);
void console_login_rate_failed(console_login_rate *rate, const char *address, int64_t now_ms);
/* Notes that an address has logged in, which forgets its failures. */
void console_login_rate_passed(console_login_rate *rate, const char *address);

#endif
