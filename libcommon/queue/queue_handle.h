/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_QUEUE_HANDLE_H
#define SH_QUEUE_HANDLE_H

#include "libcommon/queue/queue.h"
#include "libcommon/queue/redis_script.h"

#define SH_QUEUE_GROUP "receivers"
#define SH_QUEUE_KEY_BYTES 96
#define SH_QUEUE_PREFIX_MAX 64
#define SH_QUEUE_RESTAMP_BYTES 50 /* an entry's id, and "(" before it */

typedef struct {
    char node[SH_NODE_NAME_MAX + 1];
    int64_t count;
} sh_queue_waiting;

/* Shared by queue.c (fill), queue_take.c (merge), queue_view.c (look) and the others of its name.
 */
struct sh_queue {
    sh_redis *redis;
    char prefix[SH_QUEUE_PREFIX_MAX + 1];
    char stream[SH_QUEUE_KEY_BYTES];
    char dead[SH_QUEUE_KEY_BYTES];
    char dead_bytes[SH_QUEUE_KEY_BYTES];
    char dead_held[SH_QUEUE_KEY_BYTES];
    char bytes[SH_QUEUE_KEY_BYTES];
    char ids[SH_QUEUE_KEY_BYTES];
    char ids_old[SH_QUEUE_KEY_BYTES];
    char ids_nodes[SH_QUEUE_KEY_BYTES];
    char held[SH_QUEUE_KEY_BYTES];
    char digests[SH_QUEUE_KEY_BYTES];
    char contacts[SH_QUEUE_KEY_BYTES];
    char failures[SH_QUEUE_KEY_BYTES];
    char pull_names[SH_QUEUE_KEY_BYTES];
    char nodes[SH_QUEUE_KEY_BYTES];
    char nodes_version[SH_QUEUE_KEY_BYTES];
    char nodes_used[SH_QUEUE_KEY_BYTES];
    char key[SH_QUEUE_KEY_BYTES];
    int64_t names_max;
    bool must_keep;
    bool verified;        /* what follows was learned, … */
    uint64_t verified_on; /* … on which of the connections, … */
    int64_t verified_ms;  /* … and when, in monotonic time */
    bool version_known;   /* of the server on that connection */
    sh_queue_keeps keeps;
    char keeps_words[SH_ERROR_MESSAGE_BYTES];
    char holder[SH_ID_HEX_BYTES];          /* this puller, in leases */
    size_t outstanding;                    /* entries taken, neither acknowledged nor buried */
    bool drain;                            /* own pending entries must be read first … */
    char drained[SH_QUEUE_ENTRY_ID_BYTES]; /* … behind this one */
    int64_t claimed_ms;                    /* monotonic time of the last XAUTOCLAIM, 0 for never */
    char restamp_from[SH_QUEUE_RESTAMP_BYTES]; /* where sh_queue_restamp() goes on; "" at first */
    sh_queue_waiting *waiting;
    size_t waiting_count;
    bool waiting_known;
};

/*
 * Makes sure that Redis is a master and, where it must, keeps what it confirms: asked on each new
 * connection, and every few seconds. SH_E_BUSY for a replica, whose connection is dropped;
 * SH_E_CONFIG.
 */
sh_err sh_queue_verify(sh_queue *queue, sh_error *error);

/*
 * Lets claims that Redis's clock was set back behind count again: looks at some pending entries,
 * and at the others in further calls. SH_E_NOT_FOUND where there is no group.
 */
sh_err sh_queue_restamp(sh_queue *queue, sh_error *error);

/* Runs a command or script whose reply does not matter beyond not being an error. */
sh_err sh_queue_do(sh_queue *queue, size_t argc, const sh_slice argv[], sh_error *error);
sh_err sh_queue_do_script(sh_queue *queue, const sh_redis_script *script, size_t key_count,
                          size_t argc, const sh_slice argv[], sh_error *error);

#endif
