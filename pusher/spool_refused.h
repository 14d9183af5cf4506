/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PUSHER_SPOOL_REFUSED_H
#define PUSHER_SPOOL_REFUSED_H

#include "pusher/spool_item.h"

/*
 * SYNC_spool_dir/refused: items that the hub permanently refused or that are damaged. Beside each
 * NAME.item is NAME.reason, with the time and the reason in one line. The newest items are kept, at
 * most SH_SPOOL_REFUSED_MAX and SH_SPOOL_REFUSED_BYTES_MAX bytes.
 */

/*
 * Moves the item with this name from the folder of waiting ones, with the reason, durably. Succeeds
 * if the item no longer exists. SH_E_IO, SH_E_MEMORY.
 */
sh_err spool_refused_add(const char *waiting_dir, const char *refused_dir, const char *name,
                         const char *reason, sh_error *error);

/* Deletes items over the limits, each with a notice, and reasons without an item. */
void spool_refused_trim(const char *refused_dir, spool_notice notice);

/* When and why it was refused; 0 and "" if unknown. */
void spool_refused_reason(const char *refused_dir, const char *name, int64_t *unix_ms,
                          char reason[static SH_SPOOL_REASON_MAX]);

/* Removes the reason of an item that is about to leave the folder. SH_E_IO. */
sh_err spool_refused_forget(const char *refused_dir, const char *name, sh_error *error);

#endif
