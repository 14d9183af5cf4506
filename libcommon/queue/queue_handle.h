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
    char dead_jobs[SH_QUEUE_KEY_BYTES];
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
    char settings[SH_QUEUE_KEY_BYTES];
    char settings_version[SH_QUEUE_KEY_BYTES];
    char programs[SH_QUEUE_KEY_BYTES];
    char key[SH_QUEUE_KEY_BYTES];
    char database[SH_QUEUE_KEY_BYTES];
    char merging[SH_QUEUE_KEY_BYTES];
    char metrics_lease[SH_QUEUE_KEY_BYTES];
    char fence[SH_QUEUE_KEY_BYTES];
    int64_t names_max;
    bool must_keep;
    bool verified;        /* the fields below are valid … */
    uint64_t verified_on; /* … for this connection (sh_redis_connections()), … */
    int64_t verified_ms;  /* … since this monotonic time */
    int version;          /* of that server, 702 for 7.2; 0: unknown */
    bool version_known;   /* the server on that connection is new enough */
    sh_queue_keeps keeps;
    char keeps_message[SH_ERROR_MESSAGE_BYTES];
    int64_t replicas_needed;      /* that must have a put before it is confirmed */
    sh_queue_server server;       /* valid as `verified` above */
    uint64_t offset, offset_on;   /* its replication offset, on this connection, at that time */
    bool lacks_waitaof;           /* the server is older than 7.2 … */
    uint64_t lacks_waitaof_on;    /* … on this connection */
    int64_t replicas_failed_ms;   /* monotonic: they did not confirm; 0: they did, the last time */
    char holder[SH_ID_HEX_BYTES]; /* identifies this puller in leases */
};

/*
 * Checks that Redis is a master and, with must_keep, durable: on each new connection and then every
 * few seconds. SH_E_BUSY for a replica, whose connection is dropped; SH_E_CONFIG if Redis is not
 * durable.
 */
sh_err sh_queue_verify(sh_queue *queue, sh_error *error);

/*
 * Reads a reply to ROLE into queue->server. SH_E_BUSY for a replica, whose connection is dropped. A
 * user who may not run ROLE learns of it from the first write.
 */
sh_err sh_queue_read_role(sh_queue *queue, const sh_redis_command *role, sh_error *error);
/* SH_E_BUSY if fewer replicas are connected than a put needs, by the last sh_queue_read_role(). */
sh_err sh_queue_check_replicas(const sh_queue *queue, sh_error *error);
/*
 * Waits until the number of replicas that a put needs has everything that was written before, on
 * their disks (WAITAOF), or in their memory if the server is older than 7.2 or need not be durable
 * (WAIT). SH_E_BUSY if they do not confirm it within a second or so.
 */
sh_err sh_queue_await_replicas(sh_queue *queue, sh_error *error);
/*
 * After sh_queue_await_replicas() failed, puts are refused at once until the replicas confirm
 * again, which this function asks them twice a second. Otherwise it does nothing.
 */
sh_err sh_queue_retry_replicas(sh_queue *queue, sh_error *error);

/* Runs a command or script and discards its reply unless it is an error. */
sh_err sh_queue_do(sh_queue *queue, size_t argc, const sh_slice argv[], sh_error *error);
sh_err sh_queue_do_script(sh_queue *queue, const sh_redis_script *script,
                          sh_redis_arguments arguments, sh_error *error);

/* The value of a field of INFO's reply; empty if there is none. */
sh_slice sh_queue_info_field(sh_slice info, const char *name);

#endif
