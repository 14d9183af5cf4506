/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PUSHER_RESULT_SENDER_H
#define PUSHER_RESULT_SENDER_H

#include "pusher/sender.h"
#include "pusher/spool.h"

/*
 * Sends plugin results: adds each to the spool first, and sends from there, oldest first, so that
 * no crash loses one.
 */
typedef struct {
    const sender *sender;
    spool *spool;       /* NULL: unusable and not needed */
    bool kept_is_saved; /* the state's file has the result that was spooled last */
} result_sender;

/*
 * Borrows the spool. Results in it count as spooled, whatever the state says. SH_E_IO, SH_E_MEMORY.
 */
sh_err result_sender_init(result_sender *r, const sender *s, spool *opened, sh_error *error);

/* Adds a plugin's result to the spool unless it is the one that was spooled last. */
void result_sender_collect(result_sender *r, job *j, push_report *report);

/*
 * Sends spooled results, oldest first, until the hub does not accept one. Skips a result that
 * something in front of the hub refuses, as the next may be smaller; stops after a few of these.
 */
void result_sender_drain(result_sender *r, push_report *report);

#endif
