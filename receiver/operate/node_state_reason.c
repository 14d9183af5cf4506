/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/operate/node_state_reason.h"

#include "libcommon/base/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void node_duration_write(int64_t ms, char ret[static NODE_DURATION_BYTES])
{
    static const struct {
        int64_t seconds;
        char unit;
    } units[] = {{86400, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}};
    int64_t s = ms / 1000;
    size_t at = 0;
    while (at + 1 < sizeof units / sizeof units[0] && s < units[at].seconds)
        at++;
    int64_t rest =
        at + 1 < sizeof units / sizeof units[0] ? s % units[at].seconds / units[at + 1].seconds : 0;
    if (rest == 0)
        (void)snprintf(ret, NODE_DURATION_BYTES, "%" PRId64 "%c", s / units[at].seconds,
                       units[at].unit);
    else
        (void)snprintf(ret, NODE_DURATION_BYTES, "%" PRId64 "%c %" PRId64 "%c",
                       s / units[at].seconds, units[at].unit, rest, units[at + 1].unit);
}

/* How a reason begins; the problem's own text follows. */
static const char *reason_of(const char *kind, int64_t status)
{
    static const struct {
        const char *kind, *reason;
    } all[] = {
        {"pull", "cannot be pulled"},
        {"table_missing", "it has no device table"},
        {"table_unreadable", "it cannot read its device table"},
        {"table_old", "its device table is old"},
        {"table_cut", "its device table is incomplete"},
        {"table_invalid", "its device table is invalid"},
        {"result_unreadable", "it cannot read a plugin result"},
        {"spool_full", "its spool is full"},
        {"spool_unusable", "it cannot use its spool"},
        {"intermediary", "something in front of the hub refuses its pushes"},
        {"clock_skew", "its clock is wrong"},
        {"key", "refused, wrong key"},
        {"clock", "refused, wrong clock"},
        {"node_name", "refused, bad name"},
        {"token", "refused, wrong token"},
        {"size", "refused, too large"},
        {"content", "refused, invalid content"},
        {"share", "deferred, its share of the queue is full"},
        {"names", "deferred, too many nodes"},
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (strcmp(all[i].kind, kind) == 0)
            return all[i].reason;
    return status == 0 ? "it reports a problem" : "refused";
}

static void write_problem(const node_facts *f, char ret[static NODE_REASON_BYTES])
{
    char since[SH_RFC3339_BYTES], status[24] = "";
    sh_clock_rfc3339(f->problem_ms, since);
    if (f->problem_status > 0)
        (void)snprintf(status, sizeof status, " (%" PRId64 ")", f->problem_status);
    (void)snprintf(ret, NODE_REASON_BYTES, "%s since %s%s: %s",
                   reason_of(f->problem_kind, f->problem_status), since, status, f->problem_text);
}

static void write_silence(const node_facts *f, node_state state, char ret[static NODE_REASON_BYTES])
{
    char since[SH_RFC3339_BYTES], every[NODE_DURATION_BYTES], expected[96] = "", from[160] = "";
    sh_clock_rfc3339(f->contact.last_ms, since);
    node_duration_write(f->contact.interval_ms, every);
    if (f->contact.interval_ms >= 1000)
        (void)snprintf(expected, sizeof expected, ", expected every %s", every);
    if (f->refused_from != NULL)
        (void)snprintf(from, sizeof from,
                       "; requests with its name and a wrong token come from %s (see "
                       "auth-failures)",
                       f->refused_from);
    if (state == NODE_GONE)
        (void)snprintf(ret, NODE_REASON_BYTES, "no contact since %s; it may come and go", since);
    else
        (void)snprintf(ret, NODE_REASON_BYTES, "no contact since %s%s%s: check that %s", since,
                       expected, from,
                       f->pulled ? "the puller runs and SYNC_nodes lists it"
                                 : "the node and its pusher run and reach the hub");
}

static void write_revoked(const node_facts *f, int64_t now_ms, char ret[static NODE_REASON_BYTES])
{
    char since[SH_RFC3339_BYTES], from[200] = "";
    sh_clock_rfc3339(f->credentials_ms, since);
    if (node_still_sends(f, now_ms))
        (void)snprintf(from, sizeof from,
                       "; it still sends, or another with its name, from %s: stop the pusher there",
                       f->refused_from);
    (void)snprintf(ret, NODE_REASON_BYTES,
                   "its credentials were revoked at %s%s; `node add` makes new ones, `node "
                   "forget` removes the node",
                   since, from);
}

static void write_never(const node_facts *f, char ret[static NODE_REASON_BYTES])
{
    char since[SH_RFC3339_BYTES], when[64] = "";
    int64_t expected_ms = node_expected_since_ms(f);
    sh_clock_rfc3339(expected_ms, since);
    if (expected_ms > 0)
        (void)snprintf(when, sizeof when, ", expected since %s", since);
    if (f->refused_from != NULL)
        (void)snprintf(ret, NODE_REASON_BYTES,
                       "not seen yet%s; requests with its name and a wrong token come from %s: "
                       "correct SYNC_api_token there (see auth-failures)",
                       when, f->refused_from);
    else
        (void)snprintf(ret, NODE_REASON_BYTES,
                       "not seen yet%s: start the pusher there, with this SYNC_node_name and its "
                       "token, or `node forget` it",
                       when);
}

/* What may be wrong with a node in contact. */
static void write_other(const node_facts *f, int64_t now_ms, char ret[static NODE_REASON_BYTES])
{
    ret[0] = '\0';
    if (node_has_conflict(f, now_ms))
        (void)snprintf(ret, NODE_REASON_BYTES, "%s", f->conflict_text);
    else if (f->lookalike != NULL)
        (void)snprintf(ret, NODE_REASON_BYTES,
                       "its name is easily confused with that of node \"%s\": choose another "
                       "SYNC_node_name for one of them",
                       f->lookalike);
    else if (f->rejected > 0)
        (void)snprintf(ret, NODE_REASON_BYTES,
                       "%" PRId64 " rows of its last table were rejected: %s", f->rejected,
                       f->rejected_reason);
    else if (f->dead > 0)
        (void)snprintf(ret, NODE_REASON_BYTES,
                       "%" PRId64 " of its entries are in the dead letters: see `dead list`",
                       f->dead);
}

void node_reason_write(const node_facts *f, int64_t now_ms, char ret[static NODE_REASON_BYTES])
{
    node_state state = node_state_of(f, now_ms);
    switch (state) {
    case NODE_REVOKED:
        write_revoked(f, now_ms, ret);
        break;
    case NODE_FAILING:
        write_problem(f, ret);
        break;
    case NODE_SILENT:
    case NODE_LATE:
    case NODE_GONE:
        write_silence(f, state, ret);
        break;
    case NODE_NEVER:
        write_never(f, ret);
        break;
    default:
        write_other(f, now_ms, ret);
        break;
    }
}
