/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PUSHER_TABLE_SENDER_H
#define PUSHER_TABLE_SENDER_H

#include "pusher/mac_set.h"
#include "pusher/sender.h"

/*
 * Sends the device table, in parts if it is large. The table is not spooled: after a failure the
 * file is read again, and an unchanged table keeps its id.
 */
typedef struct {
    const sender *sender;
    bool only_new;  /* send the table only if it has a MAC that was not pushed before */
    mac_set pushed; /* with only_new */
    char *pushed_path, *owner;
    /* A table whose push has not succeeded yet keeps its id while it is unchanged. */
    bool pending;
    uint8_t pending_id[SH_ID_BYTES], pending_digest[SH_DIGEST_BYTES];
    size_t pending_part; /* the first part that the hub has not accepted */
} table_sender;

/*
 * With only_new loads the MACs that were pushed before. SH_E_MEMORY. Release with _reset() in any
 * case.
 */
sh_err table_sender_init(table_sender *t, const sender *s, bool only_new, sh_error *error);
void table_sender_reset(table_sender *t); /* zeroed is accepted */

/*
 * Reads the file of a due job, and sends the table unless that is unnecessary. With only_new,
 * *changed is whether it has a new device; if SYNC_devices is off, it only checks that.
 */
void table_sender_run(table_sender *t, job *j, bool *changed, push_report *report);

#endif
