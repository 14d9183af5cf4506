/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PUSHER_SENDER_H
#define PUSHER_SENDER_H

#include "libcommon/config/settings.h"
#include "libcommon/native/envelope.h"
#include "pusher/job.h"
#include "pusher/push.h"
#include "pusher/report.h"
#include "pusher/source.h"
#include "pusher/state.h"

/* What the sender of the device table and that of plugin results share. */
typedef struct {
    const sh_settings *settings;
    const sh_node_key *key;
    bool once;        /* a single run; source errors are told each time */
    source_wait wait; /* sh_stop_wait, or a test's */
    push *push;
    state *state;
} sender;

/* A job failed: as job_failed(), and in the report. */
void sender_job_failed(const sender *s, job *j, const sh_error *error, push_report *report);

/* Writes the state; false, with a line in the log, where that failed. */
bool sender_save_state(const sender *s);

/*
 * Makes an exchange with the hub. Says what came of it in log, metrics and report; what is its
 * subject, such as `plugin ARPSCAN`.
 */
push_result sender_push(const sender *s, const push_item *item, const char *what,
                        push_report *report, sh_error *error);

/* The same for an item that could not even be sent. */
void sender_report(const sender *s, const push_item *item, const char *what,
                   const push_result *result, const sh_error *error, push_report *report);

#endif
