/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PULLER_PULL_REPORTS_H
#define PULLER_PULL_REPORTS_H

#include "libcommon/native/node_problem_header.h"
#include "libcommon/queue/queue_reports.h"
#include "puller/nodes.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * What the puller reports to the hub about its nodes, through Redis: pulls that fail, with the
 * reason; agent, interval and own problem of those that answer; nodes that answer with one name. A
 * contact, which the queue records with each table, ends the problem of a failed pull. Written in
 * batches; a failure is logged once a run, as the next run reports the same. Belongs to one thread.
 */

/* What this process last reported about a node. */
typedef struct {
    char agent[SH_AGENT_MAX + 1];
    int64_t interval_s;
    int64_t reported_ms; /* monotonic: when; 0: never */
    bool under_url;      /* a failure was reported before the node's name was known */
} last_report;

typedef struct {
    sh_queue *queue;
    bool is_netalertx;
    int64_t interval_s; /* between the runs; 0: this is a single run */
    sh_queue_report pending[SH_REPORTS_AT_ONCE];
    size_t count;
    bool failed; /* Redis refused reports of this run: they are dropped */
} pull_reports;

void pull_reports_init(pull_reports *reports, sh_queue *queue, bool is_netalertx,
                       int64_t interval_s);

/* A node in one run. */
typedef struct {
    const puller_node *node;
    const char *name;               /* "": not known, looked up in Redis */
    const char *agent;              /* of its answer; "": unknown */
    const sh_node_problem *problem; /* that it reports of itself; without a kind: none */
    bool name_new;                  /* it answered with this name for the first time */
    last_report *last;              /* shared by all runs */
} reported_node;

/* A pull failed; status is 0 without an answer. text has the remedy. */
void pull_reports_failed(pull_reports *reports, const reported_node *node, int status,
                         const char *text);
/* A pull was good, and its contact is recorded. */
void pull_reports_good(pull_reports *reports, const reported_node *node);
/* Two nodes answered with this name. */
void pull_reports_conflict(pull_reports *reports, const char *name, const char *url,
                           const char *other_url);

/* Writes what is pending. */
void pull_reports_flush(pull_reports *reports);

#endif
