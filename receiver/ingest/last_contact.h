/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_LAST_CONTACT_H
#define RECEIVER_LAST_CONTACT_H

#include "libcommon/base/error.h"
#include "libcommon/queue/queue.h"

/*
 * Records when nodes were last in contact. A thread writes the times to Redis once a second, so
 * that an unchanged table does not cost a write to disk; a crash loses the last second of a
 * displayed time. The thread also calls node_reports_flush(). Once a minute, if nearly
 * SYNC_max_nodes nodes are known, the thread also deletes those without contact for
 * SH_NAMES_IDLE_S.
 */
typedef struct last_contact last_contact;

/* SH_E_MEMORY, also if the thread cannot be started; SH_E_CONFIG for a bad URL. */
sh_err last_contact_new(const sh_queue_options *options, last_contact **ret, sh_error *error);
/* Writes what was recorded and ends the thread. NULL is accepted. */
void last_contact_free(last_contact *c);

/* Records a contact of node now. Thread-safe. Ignores nodes over the limit for one second. */
void last_contact_note(last_contact *c, const char *node);

#endif
