/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_QUEUE_HANDLE_H
#define SH_QUEUE_HANDLE_H

#include "libcommon/queue/queue.h"
#include "libcommon/queue/redis_script.h"

#define SH_QUEUE_GROUP "receivers"
#define SH_QUEUE_KEY_BYTES 96
#define SH_QUEUE_PREFIX_MAX 64

/*
 * The struct behind sh_queue, for the modules that implement its calls: those in this folder and in
 * receiver/queue.
 */
struct sh_queue {
    sh_redis *redis;
    char prefix[SH_QUEUE_PREFIX_MAX + 1];
    char stream[SH_QUEUE_KEY_BYTES];
    char dead[SH_QUEUE_KEY_BYTES];
    char dead_bytes[SH_QUEUE_KEY_BYTES];
    char dead_shares[SH_QUEUE_KEY_BYTES];
    char bytes[SH_QUEUE_KEY_BYTES];
    char ids[SH_QUEUE_KEY_BYTES];
    char ids_old[SH_QUEUE_KEY_BYTES];
    char ids_nodes[SH_QUEUE_KEY_BYTES];
    char shares[SH_QUEUE_KEY_BYTES];
    char digests[SH_QUEUE_KEY_BYTES];
    char contacts[SH_QUEUE_KEY_BYTES];
    char agents[SH_QUEUE_KEY_BYTES];
    char problems[SH_QUEUE_KEY_BYTES];
    char conflicts[SH_QUEUE_KEY_BYTES];
    char instances[SH_QUEUE_KEY_BYTES];
    char auth_failures[SH_QUEUE_KEY_BYTES];
    char failures[SH_QUEUE_KEY_BYTES];
    char pull_names[SH_QUEUE_KEY_BYTES];
    char nodes[SH_QUEUE_KEY_BYTES];
    char nodes_version[SH_QUEUE_KEY_BYTES];
    char nodes_staging[SH_QUEUE_KEY_BYTES];
    char nodes_used[SH_QUEUE_KEY_BYTES];
    char key[SH_QUEUE_KEY_BYTES];
    char database[SH_QUEUE_KEY_BYTES];
    char merging[SH_QUEUE_KEY_BYTES];
    char metrics_lease[SH_QUEUE_KEY_BYTES];
    int64_t names_max;
    bool must_keep;
    bool verified;        /* the fields below are valid … */
    uint64_t verified_on; /* … for this connection (sh_redis_connections()), … */
    int64_t verified_ms;  /* … since this monotonic time */
    bool version_known;   /* the server on that connection is new enough */
    sh_queue_keeps keeps;
    char keeps_words[SH_ERROR_MESSAGE_BYTES];
    char holder[SH_ID_HEX_BYTES]; /* identifies this puller in leases */
};

/*
 * Checks that Redis is a master and, with must_keep, durable: on each new connection and then every
 * few seconds. SH_E_BUSY for a replica, whose connection is dropped; SH_E_CONFIG if Redis is not
 * durable.
 */
sh_err sh_queue_verify(sh_queue *queue, sh_error *error);

/* Runs a command or script and discards its reply unless it is an error. */
sh_err sh_queue_do(sh_queue *queue, size_t argc, const sh_slice argv[], sh_error *error);
sh_err sh_queue_do_script(sh_queue *queue, const sh_redis_script *script,
                          sh_redis_arguments arguments, sh_error *error);

/* The value of a field of INFO's reply; empty if there is none. */
sh_slice sh_queue_info_field(sh_slice info, const char *name);

#endif
