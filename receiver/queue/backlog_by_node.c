/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/queue/backlog_by_node.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/queue/queue_handle.h"
#include "receiver/queue/receiver_scripts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ENTRIES_AT_ONCE "1000"  /* that one run of the script reads */
#define BYTES_AT_ONCE "4194304" /* limit of one run, so that it does not block Redis */

typedef struct {
    char node[SH_NODE_NAME_MAX + 1];
    int64_t count;
} waiting_node;

struct backlog_by_node {
    waiting_node *nodes;
    size_t count;
};

void backlog_by_node_free(backlog_by_node *waiting)
{
    if (waiting == NULL)
        return;
    free(waiting->nodes);
    free(waiting);
}

static sh_err count_entry(backlog_by_node *w, sh_slice node, sh_error *error)
{
    for (size_t i = 0; i < w->count; i++) {
        if (sh_slice_equals(sh_slice_of(w->nodes[i].node), node)) {
            w->nodes[i].count++;
            return SH_OK;
        }
    }
    if (node.len == 0 || node.len > SH_NODE_NAME_MAX)
        return SH_OK; /* no envelope: merge reports it */
    waiting_node *nodes = reallocarray(w->nodes, w->count + 1, sizeof *nodes);
    if (nodes == NULL)
        return sh_fail(error, SH_E_MEMORY, "no memory to count waiting entries");
    w->nodes = nodes;
    waiting_node *added = &nodes[w->count++];
    memcpy(added->node, node.data, node.len);
    added->node[node.len] = '\0';
    added->count = 1;
    return SH_OK;
}

/* Counts the entries after `from`, which is "-" at first and "" at the end. */
static sh_err count_some(sh_queue *queue, backlog_by_node *w, char from[static 64], sh_error *error)
{
    SH_CLEANUP(sh_redis_reply_free_cleanup) sh_redis_reply *reply = NULL;
    const nodes_waiting_arguments arguments = {.keys = {sh_slice_of(queue->stream)},
                                               .from = sh_slice_of(from),
                                               .entries_max = SH_SLICE(ENTRIES_AT_ONCE),
                                               .bytes_max = SH_SLICE(BYTES_AT_ONCE)};
    sh_err err = sh_redis_script_run(queue->redis, &sh_script_nodes_waiting,
                                     SH_REDIS_ARGUMENTS(arguments), &reply, error);
    if (err != SH_OK)
        return err;
    size_t count = sh_redis_count(reply);
    for (size_t i = 1; i < count && err == SH_OK; i++)
        err = count_entry(w, sh_redis_text(sh_redis_at(reply, i)), error);
    sh_slice last = count > 1 ? sh_redis_text(sh_redis_at(reply, 0)) : SH_SLICE("");
    (void)snprintf(from, 64, "%s%.*s", count > 1 ? "(" : "", (int)last.len, last.data);
    return err;
}

sh_err backlog_by_node_count(sh_queue *queue, backlog_by_node **ret, sh_error *error)
{
    char from[64] = "-";
    backlog_by_node *w = calloc(1, sizeof *w);
    if (w == NULL)
        return sh_fail(error, SH_E_MEMORY, "no memory to count waiting entries");
    sh_err err = SH_OK;
    while (err == SH_OK && from[0] != '\0')
        err = count_some(queue, w, from, error);
    if (err != SH_OK) {
        backlog_by_node_free(w);
        return err;
    }
    *ret = w;
    return SH_OK;
}

int64_t backlog_by_node_of(const backlog_by_node *waiting, const char *node)
{
    for (size_t i = 0; i < waiting->count; i++)
        if (strcmp(waiting->nodes[i].node, node) == 0)
            return waiting->nodes[i].count;
    return 0;
}
