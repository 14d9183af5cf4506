/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_CONSOLE_DEVICE_COUNTS_H
#define RECEIVER_CONSOLE_DEVICE_COUNTS_H

#include "libcommon/config/settings.h"
#include "receiver/store/store.h"

/*
 * How many devices there are and are new, for open pages that ask again and again: of a million
 * devices, counting takes most of a second. What was counted is answered for ten times as long as
 * that took, so that it costs a tenth of a core at most, and a small hub's figures are never old.
 * Thread-safe.
 */
typedef struct console_device_counts console_device_counts;

/* SH_E_MEMORY. */
sh_err console_device_counts_new(console_device_counts **ret, sh_error *error);
void console_device_counts_free(console_device_counts *counts); /* NULL is accepted */

/* Those new in seven days and in one. The errors of the store. */
sh_err console_device_counts_read(console_device_counts *counts, const sh_settings *settings,
                                  store_device_counts *ret, sh_error *error);

#endif
