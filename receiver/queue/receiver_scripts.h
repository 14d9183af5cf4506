/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_SCRIPTS_H
#define RECEIVER_SCRIPTS_H

#include "libcommon/queue/redis_script.h"

/* As libcommon/queue/queue_scripts.h, for the receiver's own calls. */

extern const sh_redis_script *const receiver_scripts[]; /* all of them, then NULL */

extern const sh_redis_script sh_script_take;
typedef struct {
    struct {
        sh_slice stream;
    } keys;
    sh_slice group, consumer, entries_max, bytes_max;
} take_arguments;

#define FETCH_IDS_MAX 64 /* argc excludes unused ones at the end */
extern const sh_redis_script sh_script_fetch;
typedef struct {
    struct {
        sh_slice stream;
    } keys;
    sh_slice bytes_max, id[FETCH_IDS_MAX];
} fetch_arguments;

#define ACK_ENTRIES_MAX 128 /* as above */
extern const sh_redis_script sh_script_ack;
typedef struct {
    sh_slice id, len, node, published, digest;
} ack_entry_arguments;
typedef struct {
    struct {
        sh_slice stream, bytes, failures, digests, shares;
    } keys;
    sh_slice group;
    ack_entry_arguments entry[ACK_ENTRIES_MAX];
} ack_arguments;

extern const sh_redis_script sh_script_dead_add;
typedef struct {
    struct {
        sh_slice stream, bytes, failures, dead, dead_bytes, shares, dead_shares, digests;
    } keys;
    sh_slice group, id, envelope, mode, reason, entries_max, bytes_max, keep;
    sh_slice node_entries_max, node_bytes_max, digest, now_ms;
} dead_add_arguments;

extern const sh_redis_script sh_script_dead_retry;
typedef struct {
    struct {
        sh_slice stream, bytes, dead, dead_bytes, shares, dead_shares, digests;
    } keys;
    sh_slice id, entries_max, bytes_max;
} dead_retry_arguments;

extern const sh_redis_script sh_script_dead_drop;
typedef struct {
    struct {
        sh_slice dead, dead_bytes, dead_shares;
    } keys;
    sh_slice id;
} dead_drop_arguments;

extern const sh_redis_script sh_script_dead_list;
typedef struct {
    struct {
        sh_slice dead;
    } keys;
    sh_slice from, to, letters_max, head_bytes, bytes_max;
} dead_list_arguments;

extern const sh_redis_script sh_script_dead_job_begin;
typedef struct {
    struct {
        sh_slice dead, jobs;
    } keys;
    sh_slice id, action, node, total, now_ms, jobs_max;
} dead_job_begin_arguments;

extern const sh_redis_script sh_script_dead_job_cancel;
typedef struct {
    struct {
        sh_slice jobs;
    } keys;
    sh_slice id, now_ms;
} dead_job_cancel_arguments;

extern const sh_redis_script sh_script_dead_job_drop;
typedef struct {
    struct {
        sh_slice dead, dead_bytes, dead_shares, jobs;
    } keys;
    sh_slice id, now_ms, letters_max, bytes_max;
} dead_job_drop_arguments;

extern const sh_redis_script sh_script_dead_job_retry;
typedef struct {
    struct {
        sh_slice stream, bytes, dead, dead_bytes, shares, dead_shares, digests, jobs;
    } keys;
    sh_slice id, now_ms, letters_max, read_max, entries_max, bytes_max;
} dead_job_retry_arguments;

extern const sh_redis_script sh_script_group_create;
typedef struct {
    struct {
        sh_slice stream;
    } keys;
    sh_slice group;
} group_create_arguments;

extern const sh_redis_script sh_script_digests_clear;
typedef struct {
    struct {
        sh_slice digests, shares;
    } keys;
} digests_clear_arguments;

#define DIGESTS_SET_MAX 256 /* as above */
extern const sh_redis_script sh_script_digests_publish;
typedef struct {
    struct {
        sh_slice digests;
    } keys;
    struct {
        sh_slice node, digest;
    } published[DIGESTS_SET_MAX];
} digests_publish_arguments;

extern const sh_redis_script sh_script_failures_add;
typedef struct {
    struct {
        sh_slice failures;
    } keys;
    sh_slice id, add;
} failures_add_arguments;

extern const sh_redis_script sh_script_restamp;
typedef struct {
    struct {
        sh_slice stream;
    } keys;
    sh_slice group, from, entries_max;
} restamp_arguments;

extern const sh_redis_script sh_script_claims_touch;
typedef struct {
    struct {
        sh_slice stream;
    } keys;
    sh_slice group, consumer, from, idle_ms;
} claims_touch_arguments;

extern const sh_redis_script sh_script_consumers_delete_idle;
typedef struct {
    struct {
        sh_slice stream;
    } keys;
    sh_slice group, idle_ms;
} consumers_delete_idle_arguments;

extern const sh_redis_script sh_script_consumer_end;
typedef struct {
    struct {
        sh_slice stream;
    } keys;
    sh_slice group, consumer;
} consumer_end_arguments;

extern const sh_redis_script sh_script_queue_oldest;
typedef struct {
    struct {
        sh_slice stream;
    } keys;
} queue_oldest_arguments;

extern const sh_redis_script sh_script_oldest_age;
typedef struct {
    struct {
        sh_slice stream;
    } keys;
} oldest_age_arguments;

extern const sh_redis_script sh_script_activity_get;
typedef struct {
    struct {
        sh_slice stream, merging;
    } keys;
    sh_slice group;
} activity_get_arguments;

extern const sh_redis_script sh_script_key_set;
typedef struct {
    struct {
        sh_slice key;
    } keys;
    sh_slice value, replace;
} key_set_arguments;

extern const sh_redis_script sh_script_metrics_lease_take;
typedef struct {
    struct {
        sh_slice lease;
    } keys;
    sh_slice holder, lease_ms;
} metrics_lease_take_arguments;

extern const sh_redis_script sh_script_newest_heads;
typedef struct {
    struct {
        sh_slice stream;
    } keys;
    sh_slice entries_max, head_bytes, bytes_max;
} newest_heads_arguments;

extern const sh_redis_script sh_script_nodes_state;
typedef struct {
    struct {
        sh_slice nodes, nodes_version;
    } keys;
} nodes_state_arguments;

extern const sh_redis_script sh_script_settings_state;
typedef struct {
    struct {
        sh_slice settings, settings_version;
    } keys;
} settings_state_arguments;

extern const sh_redis_script sh_script_settings_publish;
typedef struct {
    struct {
        sh_slice settings, settings_version;
    } keys;
    sh_slice expected, version, text;
} settings_publish_arguments;

#define NODES_STAGE_MAX 128 /* as above */
extern const sh_redis_script sh_script_nodes_stage;
typedef struct {
    struct {
        sh_slice staging;
    } keys;
    sh_slice owner, first;
    struct {
        sh_slice node, record;
    } nodes[NODES_STAGE_MAX];
} nodes_stage_arguments;

extern const sh_redis_script sh_script_nodes_publish;
typedef struct {
    struct {
        sh_slice nodes, nodes_version, staging;
    } keys;
    sh_slice owner, count, expected, version;
} nodes_publish_arguments;

extern const sh_redis_script sh_script_nodes_waiting;
typedef struct {
    struct {
        sh_slice stream;
    } keys;
    sh_slice from, entries_max, bytes_max;
} nodes_waiting_arguments;

#endif
