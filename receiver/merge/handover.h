/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_HANDOVER_H
#define RECEIVER_HANDOVER_H

#include "libcommon/native/envelope.h"
#include "libcommon/queue/queue.h"
#include "receiver/merge/skip_set.h"

#include <stdbool.h>

/*
 * What a NetAlertX hub reads from its plugin log folder (SYNC_plugins_out): device tables, from
 * which its SYNC plugin takes presence, and plugin results. Files appear whole. A table's file is
 * written again at each contact of its node, because presence there lasts for one scan; for that
 * a copy is kept in FILE.tables beside the database FILE.
 *
 * Files have fixed names for each node, so that a NetAlertX that is down has few of them, and they
 * are removed when they are old. All errors are SH_E_IO and SH_E_MEMORY. For one thread.
 */
typedef struct handover handover;

/* folder and db are borrowed. Makes the folder of the copies. */
sh_err handover_new(const char *folder, const char *db, handover **ret, sh_error *error);
void handover_free(handover *h); /* NULL is accepted */

/*
 * Hands over a device table, or one part of it, without the devices that are skipped and with keys
 * as the hub has them. A text that is not a table is left to the merge to reject.
 */
sh_err handover_table(handover *h, const sh_envelope_header *header, sh_slice text,
                      const skip_set *skip, sh_error *error);

sh_err handover_result(handover *h, const sh_envelope_header *header, sh_slice text,
                       sh_error *error);

/* Whether a copy of the node's last table is there, so that "unchanged" is an answer for it. */
bool handover_has_copy(const handover *h, const char *node);

/* Hands the last tables of all nodes over again that were in contact since the last call. */
sh_err handover_contacts(handover *h, sh_queue *queue, sh_error *error);

/* Removes what NetAlertX has not taken for long. For a wall clock that is steady. */
void handover_tidy(handover *h);

#endif
