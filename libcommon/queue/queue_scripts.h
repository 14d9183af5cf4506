/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_QUEUE_SCRIPTS_H
#define SH_QUEUE_SCRIPTS_H

#include "libcommon/queue/redis_script.h"

/*
 * The scripts in scripts/, each in a .lua file of its name, which documents keys, arguments and
 * reply. Each has a struct of its arguments for SH_REDIS_ARGUMENTS(): texts, numbers in decimal.
 *
 * A script that only removes data may run when Redis is full (allow-oom), so that a full hub can
 * drain. Redis refuses one that adds data before it has any effect.
 */

extern const sh_redis_script *const sh_queue_scripts[]; /* all of them, then NULL */

extern const sh_redis_script sh_script_queue_put;
typedef struct {
    sh_slice envelope, mode, node, item, version, digest, table, newcomer;
} sh_put_argument;
/* One put or more follow. */
typedef struct {
    struct {
        sh_slice stream, ids, ids_old, bytes, contacts, nodes_version, digests, shares, ids_nodes;
    } keys;
    sh_slice now_ms, unchanged_ms, entries_max, bytes_max, node_entries_max, node_bytes_max;
    sh_slice node_part, ids_max, names_max, node_ids_max, ids_ttl_s;
} sh_put_arguments;

extern const sh_redis_script sh_script_names_forget;
typedef struct {
    struct {
        sh_slice contacts, digests, nodes, instances, shares;
    } keys;
    sh_slice cursor, names_max, now_ms, before_ms;
} sh_names_forget_arguments;

extern const sh_redis_script sh_script_nodes_load;
typedef struct {
    struct {
        sh_slice nodes, nodes_version;
    } keys;
} sh_nodes_load_arguments;

extern const sh_redis_script sh_script_settings_load;
typedef struct {
    struct {
        sh_slice settings, settings_version;
    } keys;
} sh_settings_load_arguments;

extern const sh_redis_script sh_script_program_put;
typedef struct {
    struct {
        sh_slice programs;
    } keys;
    sh_slice id, report, programs_max, kept_s;
} sh_program_put_arguments;

extern const sh_redis_script sh_script_programs_read;
typedef struct {
    struct {
        sh_slice programs;
    } keys;
    sh_slice kept_s;
} sh_programs_read_arguments;

#define SH_REPORTS_PUT_MAX 32 /* groups at most; argc excludes unused ones */
extern const sh_redis_script sh_script_reports_put;
typedef struct {
    struct {
        sh_slice contacts, nodes, agents, problems, conflicts, instances;
    } keys;
    sh_slice names_max, reports_max, strangers_max, window_ms, now_ms;
    struct {
        sh_slice node, contact, agent, instance, conflict, problem;
    } report[SH_REPORTS_PUT_MAX];
} reports_put_arguments;

extern const sh_redis_script sh_script_auth_failures_put;
typedef struct {
    struct {
        sh_slice failures;
    } keys;
    sh_slice failures_max;
    struct {
        sh_slice field, number, first_ms, last_ms, reason;
    } failure[SH_REPORTS_PUT_MAX];
} auth_failures_put_arguments;

extern const sh_redis_script sh_script_reports_remove;
typedef struct {
    struct {
        sh_slice reported;
    } keys;
    struct {
        sh_slice field, value;
    } reported[SH_REPORTS_PUT_MAX];
} reports_remove_arguments;

#define SH_READY_KEYS 25
extern const sh_redis_script sh_script_ready;
typedef struct {
    struct {
        sh_slice key[SH_READY_KEYS];
    } keys;
    sh_slice type[SH_READY_KEYS];
} sh_ready_arguments;

#endif
