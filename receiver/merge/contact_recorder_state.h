/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_CONTACT_RECORDER_STATE_H
#define RECEIVER_CONTACT_RECORDER_STATE_H

#include "libcommon/crypto/crypto.h"
#include "libcommon/queue/queue_reports.h"
#include "receiver/merge/contact_slots.h"
#include "receiver/store/store.h"

/* The struct behind contact_recorder, for contact_recorder.c and contact_transaction.c. */

#define DUE_MAX 2048         /* contacts in one transaction */
#define REPORTS_DUE_MAX 512  /* reports in one transaction */
#define FAILURES_DUE_MAX 256 /* refused requests in one transaction */
#define STEP_MS 60000        /* minimum difference to the recorded contact */

/* A contact or a report. */
typedef struct {
    char node[SH_NODE_NAME_MAX + 1];
    char mode[8]; /* of a contact */
    uint64_t hash;
    int64_t ms;
    bool is_report;
    size_t report; /* its index */
} due_item;

typedef struct {
    sh_reported kind;
    sh_queue_reported text; /* as in Redis */
    sh_queue_report report;
} due_report;

/* How far the pass over all contacts is. */
typedef struct {
    bool is_under_way;
    sh_queue_cursor cursor;
    int64_t count; /* contacts read */
    size_t excess; /* due contacts of the piece at the cursor that did not fit the last time */
} contact_pass;

typedef struct contact_recorder contact_recorder;
struct contact_recorder {
    uint8_t key[SH_SHORT_KEY_BYTES];
    contact_slots slots;
    contact_pass pass;
    int64_t count;                               /* contacts of the last whole pass */
    due_item due[DUE_MAX + 2 * REPORTS_DUE_MAX]; /* with the contacts of reported nodes */
    size_t due_count;
    size_t contacts_count; /* of the pieces */
    size_t excess;         /* due contacts of this piece for which there was no room */
    due_report reports[REPORTS_DUE_MAX];
    size_t reports_count;
    sh_reported reading; /* kind of the reports being read */
    sh_queue *queue;     /* borrowed for one run */
    sh_queue_reported failures[FAILURES_DUE_MAX];
    size_t failures_count;
    contact_slot recorded[DUE_MAX + 2 * REPORTS_DUE_MAX]; /* in the transaction */
    size_t recorded_count;
};

/*
 * Records what is due, sorted by node and time, in a transaction of its own. The slots are set
 * after the commit: what is not committed is due again.
 */
sh_err contact_transaction_run(contact_recorder *r, store *s, sh_error *error);

#endif
