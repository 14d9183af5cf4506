/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PUSHER_SPOOL_H
#define PUSHER_SPOOL_H

#include "libcommon/base/buffer.h"
#include "libcommon/base/error.h"
#include "libcommon/base/limits.h"
#include "libcommon/base/text.h"
#include "pusher/spool_item.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Plugin results that the hub has not accepted yet: one file each in SYNC_spool_dir/spool, durable
 * before it is sent and removed only after the hub has accepted it. Only one process at a time uses
 * a spool. Damaged or permanently refused items move to SYNC_spool_dir/refused (spool_refused.h).
 * `synchub-pusher spool` moves items between both folders and deletes them meanwhile
 * (spool_list.h). Not thread-safe. All error messages contain the file or folder.
 */
typedef struct spool spool;

/*
 * Creates dir (but not its parents) and its folders if missing, and locks it. SH_E_IO: not
 * writable. SH_E_BUSY: locked by another process. SH_E_MEMORY.
 */
sh_err spool_open(const char *dir, spool_notice notice, spool **ret, sh_error *error);
void spool_close(spool *s); /* NULL is accepted */

size_t spool_count(const spool *s);
size_t spool_bytes(const spool *s);

/*
 * Adds a text with a new id; after SH_OK it survives a power failure. SH_E_LIMIT: over
 * SH_SPOOL_ENTRIES_MAX or SH_SPOOL_BYTES_MAX; nothing is added. SH_E_IO.
 */
sh_err spool_add(spool *s, const char *plugin, sh_slice text, int64_t now_ms, sh_error *error);

/*
 * Calls each() for every readable item, oldest first; each() must not change the spool. Stops at
 * the first error of each() and returns it. SH_E_MEMORY, SH_E_IO.
 */
typedef sh_err (*spool_each_item)(void *context, const spool_item *item, sh_slice text,
                                  sh_error *error);
sh_err spool_each(const spool *s, spool_each_item each, void *context, sh_error *error);

/*
 * Returns the item at index, 0 for the oldest, and appends its text to *text. SH_E_NOT_FOUND if
 * there is none. Moves damaged items to the refused ones with a notice, and skips deleted ones.
 * Items do not expire, as their age may be wrong after a clock change: number and bytes limit the
 * spool. SH_E_IO, SH_E_MEMORY.
 */
sh_err spool_get(spool *s, size_t index, spool_item *item, sh_buf *text, sh_error *error);

/* The folder of the items, borrowed from s. */
const char *spool_folder(const spool *s);

/* Notices items that another process added there or removed. SH_E_IO. */
sh_err spool_rescan(spool *s, sh_error *error);

/* Removes an item that the hub has accepted. SH_E_IO. */
sh_err spool_remove(spool *s, const spool_item *item, sh_error *error);

/*
 * Moves an item that the hub permanently refuses to the refused ones, with the reason. SH_E_IO,
 * SH_E_MEMORY.
 */
sh_err spool_refuse(spool *s, const spool_item *item, const char *reason, sh_error *error);

#endif
