/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_QUEUE_REPORTS_H
#define SH_QUEUE_REPORTS_H

#include "libcommon/base/limits.h"
#include "libcommon/queue/queue.h"

/*
 * What ingest and puller learn about nodes besides their data, on its way to the database: merge
 * removes each report after its commit (PROTOCOL.md, section 5). Errors as in queue.h.
 */

#define SH_REPORTS_AT_ONCE 32 /* SH_REPORTS_PUT_MAX */

/* About one node; an empty text is not reported. */
typedef struct {
    char node[SH_NODE_NAME_MAX + 1];
    int64_t ms;           /* Unix time of what follows */
    bool is_contact;      /* a contact of a node that the hub may not know yet */
    const char *mode;     /* of that contact: "push" or "pull" */
    int64_t interval_s;   /* between its contacts, as it reports; 0: not reported */
    const char *protocol; /* "native" or "netalertx"; NULL: no agent is reported */
    char agent[SH_AGENT_MAX + 1], instance[SH_INSTANCE_MAX + 1];
    char address[SH_ADDRESS_MAX + 1];       /* of the request with the agent; "": not known */
    char conflict[SH_PROBLEM_TEXT_MAX + 1]; /* the sentence if its instances alternate, or … */
    bool has_conflict;                      /* … if several nodes answered with this name */
    int64_t problem_ms;                     /* Unix time of the problem */
    int64_t status;                         /* of a refusal */
    char kind[SH_PROBLEM_KIND_MAX + 1];     /* of a problem; "forget": delete an unknown node */
    char text[SH_PROBLEM_TEXT_MAX + 1];     /* of the problem, with the remedy */
} sh_queue_report;

#define SH_CONFLICT_WINDOW_MS (3600 * 1000)
/*
 * Hands over up to SH_REPORTS_AT_ONCE reports. Those of nodes that the hub does not know are
 * dropped if there are too many, and so is their agent. shared[i] is whether the instances of a
 * node have alternated within SH_CONFLICT_WINDOW_MS, if report i has an instance; NULL: not needed.
 */
sh_err sh_queue_reports_put(sh_queue *queue, const sh_queue_report reports[], size_t count,
                            bool shared[], sh_error *error);

/* A refused request without valid credentials. */
typedef struct {
    char address[SH_ADDRESS_MAX + 1];
    char node[SH_NODE_NAME_MAX + 1]; /* that it claimed; "": none */
    int64_t failures, first_ms, last_ms;
    char reason[SH_PROBLEM_TEXT_MAX + 1];
} sh_queue_auth_failure;

/* Adds up to SH_REPORTS_AT_ONCE of them. */
sh_err sh_queue_auth_failures_put(sh_queue *queue, const sh_queue_auth_failure failures[],
                                  size_t count, sh_error *error);

typedef enum {
    SH_REPORTED_AGENTS,
    SH_REPORTED_PROBLEMS,
    SH_REPORTED_CONFLICTS,
    SH_REPORTED_AUTH_FAILURES,
    SH_REPORTED_KINDS
} sh_reported;

/*
 * Passes the reports that merge has not removed yet to each(), as field and value, for the
 * functions below.
 */
typedef sh_err (*sh_queue_report_each)(void *context, sh_slice field, sh_slice value,
                                       sh_error *error);
sh_err sh_queue_reports(sh_queue *queue, sh_reported kind, sh_queue_report_each each, void *context,
                        sh_error *error);

/* Each reads one value into the fields of its kind; false if it is none. */
bool sh_queue_report_read(sh_reported kind, sh_slice field, sh_slice value, sh_queue_report *ret);
bool sh_queue_auth_failure_read(sh_slice field, sh_slice value, sh_queue_auth_failure *ret);

/* Removes one report unless its value has changed since it was read. */
typedef struct {
    char field[SH_ADDRESS_MAX + SH_NODE_NAME_MAX + 2];
    char value[SH_QUEUE_REPORT_VALUE_MAX + 1];
} sh_queue_reported;
sh_err sh_queue_reports_remove(sh_queue *queue, sh_reported kind,
                               const sh_queue_reported reported[], size_t count, sh_error *error);

/* ret[i]: whether Redis has a contact or a report of nodes[i]; SH_QUEUE_AT_ONCE at most. */
sh_err sh_queue_nodes_are_known(sh_queue *queue, const char *const nodes[], size_t count,
                                bool ret[], sh_error *error);

/* Removes what Redis knows of a node: contact, digest, reports. */
sh_err sh_queue_node_forget(sh_queue *queue, const char *node, sh_error *error);
/* Removes all reported failures of authentication. */
sh_err sh_queue_auth_failures_clear(sh_queue *queue, sh_error *error);

/* Passes node and number of entries in the queue, or of dead letters, to each(). */
typedef sh_err (*sh_queue_held_each)(void *context, sh_slice node, int64_t entries,
                                     sh_error *error);
sh_err sh_queue_held(sh_queue *queue, bool dead, sh_queue_held_each each, void *context,
                     sh_error *error);

#endif
