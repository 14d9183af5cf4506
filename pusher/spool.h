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
 * Plugin results that the hub has not taken yet: one file each in SYNC_spool_dir/spool, durable
 * before it is sent and removed only after the hub has taken it. One process at a time holds a
 * spool. What is damaged, or refused for good, moves to SYNC_spool_dir/refused (spool_refused.h).
 * `synchub-pusher spool` moves items between both folders and deletes them meanwhile
 * (spool_list.h). Not thread-safe. Every failure's message names the file or folder.
 */
typedef struct spool spool;

/*
 * Makes dir (but not its parents) and its folders where they are not there, and takes hold of it.
 * SH_E_IO: not writable. SH_E_BUSY: another process holds it. SH_E_MEMORY.
 */
sh_err spool_open(const char *dir, spool_notice notice, spool **ret, sh_error *error);
void spool_close(spool *s); /* NULL is accepted */

size_t spool_count(const spool *s);
size_t spool_bytes(const spool *s);

/*
 * Keeps a text under a fresh id; when it returns SH_OK, the text survives a power cut.
 * SH_E_LIMIT: over SH_SPOOL_ENTRIES_MAX or SH_SPOOL_BYTES_MAX; nothing is kept. SH_E_IO.
 */
sh_err spool_add(spool *s, const char *plugin, sh_slice text, int64_t now_ms, sh_error *error);

/*
 * Calls each() for every item that can be read, oldest first; it must not change the spool. What
 * each() returns ends the call unless it is SH_OK. SH_E_MEMORY, SH_E_IO.
 */
typedef sh_err (*spool_each_item)(void *context, const spool_item *item, sh_slice text,
                                  sh_error *error);
sh_err spool_each(const spool *s, spool_each_item each, void *context, sh_error *error);

/*
 * Gives the item of that index, 0 for the oldest, and adds its text to *text, or *found = false.
 * Items that are damaged are set aside with a notice, those that somebody deleted are passed over.
 * No item is too old: an age may come from a clock that was set, so the spool is bounded by number
 * and bytes alone. SH_E_IO, SH_E_MEMORY.
 */
sh_err spool_get(spool *s, size_t index, spool_item *item, sh_buf *text, bool *found,
                 sh_error *error);

/* Takes notice of items that another process put there or took away. SH_E_IO. */
sh_err spool_rescan(spool *s, sh_error *error);

/* Removes an item that the hub has taken. SH_E_IO. */
sh_err spool_remove(spool *s, const spool_item *item, sh_error *error);

/* Sets an item aside that the hub refuses for good, with the reason. SH_E_IO, SH_E_MEMORY. */
sh_err spool_refuse(spool *s, const spool_item *item, const char *reason, sh_error *error);

#endif
