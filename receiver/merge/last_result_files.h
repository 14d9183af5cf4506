/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_LAST_RESULT_FILES_H
#define RECEIVER_LAST_RESULT_FILES_H

#include "libcommon/native/envelope.h"
#include "libcommon/queue/queue.h"
#include "receiver/merge/skip_rules.h"

#include <stdbool.h>

/*
 * Writes files for a NetAlertX hub to its plugin log folder (SYNC_plugins_out): device tables, from
 * which its SYNC plugin takes presence, and plugin results. Files appear atomically. A table's file
 * is written again at each contact of its node, because presence lasts for one scan in NetAlertX;
 * for this purpose a copy is kept in FILE.tables beside the database FILE.
 *
 * Each node has fixed file names, so that files do not accumulate while NetAlertX is down, and old
 * files are removed. The errors are SH_E_IO and SH_E_MEMORY. Belongs to one thread.
 */
typedef struct last_result_files last_result_files;

/* Borrows folder and db. Creates the folder of the copies. */
sh_err last_result_files_new(const char *folder, const char *db, last_result_files **ret,
                             sh_error *error);
void last_result_files_free(last_result_files *h); /* NULL is accepted */

/*
 * Hands over a device table, or a part of it, without skipped devices and with normalized keys.
 * Ignores a text that is not a table, which the merge rejects.
 */
sh_err last_result_files_table(last_result_files *h, const sh_envelope_header *header,
                               sh_slice text, const skip_rules *skip, sh_error *error);

/* Hands over a plugin result; after a line that NetAlertX ignores if it can be JSON. */
sh_err last_result_files_result(last_result_files *h, const sh_envelope_header *header,
                                sh_slice text, sh_error *error);

/* Whether there is a copy of the node's last table, so that the hub may answer "unchanged". */
bool last_result_files_has_copy(const last_result_files *h, const char *node);

/*
 * Hands over the last tables again for nodes that were in contact: looks at about ten thousand
 * nodes, the next ones at each call.
 */
sh_err last_result_files_contacts(last_result_files *h, sh_queue *queue, sh_error *error);

/*
 * Removes files that NetAlertX has not read for a long time, and copies of tables of nodes that
 * sent none for a long time. Call it only if the wall clock is steady.
 */
void last_result_files_delete_old(last_result_files *h);

#endif
