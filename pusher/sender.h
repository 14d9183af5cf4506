/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PUSHER_SENDER_H
#define PUSHER_SENDER_H

#include "libcommon/config/settings.h"
#include "libcommon/native/envelope.h"
#include "pusher/heartbeat.h"
#include "pusher/job.h"
#include "pusher/push.h"
#include "pusher/push_state.h"
#include "pusher/report.h"
#include "pusher/source.h"

/* The state that the senders of device tables and plugin results share. */
typedef struct {
    const sh_settings *settings;
    const sh_node_key *key;
    bool once;        /* a single run; logs source errors each time */
    source_wait wait; /* sh_stop_wait, or a test's */
    push *push;
    state *state;
    heartbeat *heartbeat; /* what is reported to the hub about this node */
} sender;

/* As job_failed(), and records the failure in the report. */
void sender_job_failed(const sender *s, job *j, const sh_error *error, push_report *report);

/* Writes the state; logs a failure and returns false. */
bool sender_save_state(const sender *s);

/* Performs an exchange with the hub and reports its result in log, metrics and report. */
push_result sender_push(const sender *s, const push_item *item, push_report *report,
                        sh_error *error);

/* Reports the result of a heartbeat in the same way. */
void sender_report_heartbeat(const sender *s, const push_result *result, const sh_error *error,
                             push_report *report);

/* Reports an item that could not be sent at all in the same way. */
void sender_report(const sender *s, const push_item *item, const push_result *result,
                   const sh_error *error, push_report *report);

#endif
