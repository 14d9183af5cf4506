/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PUSHER_RESULT_SENDER_H
#define PUSHER_RESULT_SENDER_H

#include "pusher/sender.h"
#include "pusher/spool.h"

/*
 * Sends plugin results: each is kept in the spool first, and sent from there, oldest first, so that
 * a crash at any moment loses none.
 */
typedef struct {
    const sender *sender;
    spool *spool;       /* NULL: not usable, and not needed */
    bool kept_is_saved; /* what was kept last stands in the state's file, too */
} result_sender;

/*
 * The spool is the caller's. What waits in it counts as kept, whatever the state says of it.
 * SH_E_IO, SH_E_MEMORY.
 */
sh_err result_sender_init(result_sender *r, const sender *s, spool *opened, sh_error *error);

/* Keeps a plugin's result in the spool, unless it is the one that was kept last. */
void result_sender_collect(result_sender *r, job *j, push_report *report);

/*
 * Sends what is spooled, oldest first, until the hub does not take it. What something before the
 * hub refuses is passed over, since the next may be smaller; after a few of them there is no hub.
 */
void result_sender_drain(result_sender *r, push_report *report);

#endif
