/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/store/node_state.h"

#include <assert.h>
#include <string.h>

#define DAY_MS (24 * 3600 * INT64_C(1000))

static const char *const state_names[NODE_STATES] = {
    [NODE_REVOKED] = "revoked", [NODE_FAILING] = "failing", [NODE_SILENT] = "silent",
    [NODE_LATE] = "late",       [NODE_NEVER] = "never",     [NODE_GONE] = "gone",
    [NODE_ONLINE] = "online",
};

const char *node_state_name(node_state state)
{
    assert(state < NODE_STATES);
    return state_names[state];
}

node_state node_state_of_name(const char *name)
{
    node_state state = 0;
    while (state < NODE_STATES && strcmp(state_names[state], name) != 0)
        state++;
    return state;
}

const char *node_credentials_name(node_credentials credentials)
{
    static const char *const names[] = {[NODE_CREDENTIALS_SHARED] = "shared",
                                        [NODE_CREDENTIALS_OWN] = "own",
                                        [NODE_CREDENTIALS_REVOKED] = "revoked"};
    return names[credentials];
}

/* A refusal by ingest for the same reason has its status. */
bool node_problem_is_content(const char *kind, int64_t status)
{
    return status == 0 && strcmp(kind, NODE_PROBLEM_CONTENT) == 0;
}

bool node_problem_is_own(const char *kind, int64_t status)
{
    return status == 0 && strcmp(kind, "pull") != 0 && strcmp(kind, NODE_PROBLEM_CONTENT) != 0;
}

bool node_has_problem(const node_facts *f)
{
    return f->problem_ms > 0 && (f->problem_seen_ms >= f->contact.last_ms ||
                                 node_problem_is_content(f->problem_kind, f->problem_status));
}

bool node_has_conflict(const node_facts *f, int64_t now_ms)
{
    return f->conflict_ms > 0 && f->conflict_ms <= now_ms + 60000 &&
           now_ms - f->conflict_ms < NODE_CONFLICT_MS;
}

/* An ephemeral node that is silent is gone, neither silent nor late. */
node_state node_state_of(const node_facts *f, int64_t now_ms)
{
    bool seen = f->contact.last_ms > 0;
    bool silent = seen && node_is_silent(&f->contact, &f->thresholds, now_ms);
    if (f->credentials == NODE_CREDENTIALS_REVOKED)
        return NODE_REVOKED;
    if (node_has_problem(f))
        return NODE_FAILING;
    if (silent)
        return f->ephemeral ? NODE_GONE : NODE_SILENT;
    if (seen && node_is_late(&f->contact, &f->thresholds, now_ms))
        return NODE_LATE;
    return seen ? NODE_ONLINE : NODE_NEVER;
}

int64_t node_expected_since_ms(const node_facts *f)
{
    if (f->expected_ms > 0 && f->credentials_ms > 0)
        return f->expected_ms < f->credentials_ms ? f->expected_ms : f->credentials_ms;
    return f->expected_ms > 0 ? f->expected_ms : f->credentials_ms;
}

bool node_still_sends(const node_facts *f, int64_t now_ms)
{
    return f->refused_from != NULL && now_ms - f->refused_ms < DAY_MS;
}

bool node_needs_attention(const node_facts *f, int64_t now_ms)
{
    switch (node_state_of(f, now_ms)) {
    case NODE_FAILING:
    case NODE_SILENT:
    case NODE_LATE:
        return true;
    case NODE_REVOKED:
        return node_still_sends(f, now_ms);
    case NODE_NEVER:
        if (now_ms - node_expected_since_ms(f) > f->thresholds.never_ms || f->refused_from != NULL)
            return true;
        break;
    default:
        break;
    }
    return f->rejected > 0 || f->dead > 0 || f->lookalike != NULL || node_has_conflict(f, now_ms);
}
