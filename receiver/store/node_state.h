/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_NODE_STATE_H
#define RECEIVER_NODE_STATE_H

#include "receiver/store/node_lateness.h"

#include <stdbool.h>
#include <stdint.h>

/* The state of a node. The sentence that explains it: node_state_reason.h. Pure. */

/* In the order of their precedence: the first that applies. */
typedef enum {
    NODE_REVOKED,
    NODE_FAILING, /* its last contact ended with a problem, or it cannot be pulled */
    NODE_SILENT,
    NODE_LATE,
    NODE_NEVER, /* expected, but not seen yet */
    NODE_GONE,  /* ephemeral and silent */
    NODE_ONLINE,
    NODE_STATES
} node_state;

const char *node_state_name(node_state state);
/* NODE_STATES if there is no such state. */
node_state node_state_of_name(const char *name);

typedef enum {
    NODE_CREDENTIALS_SHARED,
    NODE_CREDENTIALS_OWN,
    NODE_CREDENTIALS_REVOKED,
} node_credentials;

const char *node_credentials_name(node_credentials credentials);

/* What is known of a node. Texts are borrowed. */
typedef struct {
    const char *name;
    bool pulled; /* its mode is pull */
    node_contact contact;
    node_thresholds thresholds;
    int64_t problem_ms, problem_seen_ms; /* since when, last seen; 0: none */
    int64_t problem_status;              /* HTTP status of a refusal; 0: none */
    const char *problem_kind, *problem_text;
    node_credentials credentials;
    int64_t credentials_ms; /* when its own were created or revoked; 0: not known */
    int64_t expected_ms;    /* since when an operator expects it; 0: not */
    bool ephemeral;
    int64_t rejected, dead;      /* rows of its last table, dead letters */
    const char *rejected_reason; /* of the first rows */
    int64_t conflict_ms;         /* when several instances were last seen under its name */
    const char *conflict_text;   /* NULL or "": none */
    const char *lookalike;       /* a node whose name is easily confused; NULL: none */
    const char *refused_from;    /* an address that used its name without its token; NULL */
    int64_t refused_ms;          /* when it did last */
} node_facts;

node_state node_state_of(const node_facts *facts, int64_t now_ms);

/*
 * The problem that merge sets when it rejects a node's content: kind and status. It lasts until
 * merge accepts content of the node; every other problem ends with the next contact.
 */
#define NODE_PROBLEM_CONTENT "content"
bool node_problem_is_content(const char *kind, int64_t status);
/*
 * Whether a node reports this problem about itself. Such a problem does not replace one with its
 * content, which would be lost when the other ends. A refusal or a failed pull does: no content can
 * be accepted before it is corrected, and then the content is checked again.
 */
bool node_problem_is_own(const char *kind, int64_t status);

/* Whether a problem is newer than the last contact, or lasts longer. */
bool node_has_problem(const node_facts *facts);
/* Whether several instances used the name within the last hour. */
bool node_has_conflict(const node_facts *facts, int64_t now_ms);

#define NODE_CONFLICT_MS (3600 * INT64_C(1000))

/* Whether the node needs an operator's attention: what `nodes --problems` lists. */
bool node_needs_attention(const node_facts *facts, int64_t now_ms);

/* Whether requests with the name of a revoked node were refused within a day. */
bool node_still_sends(const node_facts *facts, int64_t now_ms);

/* Since when a node that was not seen yet is expected; 0: not known. */
int64_t node_expected_since_ms(const node_facts *facts);

#endif
