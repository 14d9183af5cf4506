/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PUSHER_TABLE_SENDER_H
#define PUSHER_TABLE_SENDER_H

#include "pusher/mac_set.h"
#include "pusher/sender.h"

/*
 * Sends the device table, in parts where it is large. It is not kept anywhere: after a failure the
 * file is read anew, and a table that is still the same keeps its id.
 */
typedef struct {
    const sender *sender;
    bool only_new;  /* the table is sent only when it holds a MAC that was not pushed before */
    mac_set pushed; /* with only_new */
    char *pushed_path, *owner;
    /* The table whose push has not succeeded yet keeps its id while it stays the same. */
    bool pending;
    uint8_t pending_id[SH_ID_BYTES], pending_digest[SH_DIGEST_BYTES];
    size_t pending_part; /* of a table in parts, the first that the hub has not taken */
} table_sender;

/* With only_new it recalls what was pushed before. SH_E_MEMORY. End with _reset() in any case. */
sh_err table_sender_init(table_sender *t, const sender *s, bool only_new, sh_error *error);
void table_sender_reset(table_sender *t); /* zeroed is accepted */

/*
 * Reads the file of a job that is due, and sends the table unless nothing asks for it. With
 * only_new, *news tells that it holds a new device. SYNC_devices may be off then: the table is only
 * looked at.
 */
void table_sender_run(table_sender *t, job *j, bool *news, push_report *report);

#endif
