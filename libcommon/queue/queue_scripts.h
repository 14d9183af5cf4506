/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_QUEUE_SCRIPTS_H
#define SH_QUEUE_SCRIPTS_H

#include "libcommon/queue/redis_script.h"

/*
 * The scripts in scripts/, each in a .lua file of its name, which says what it takes and answers.
 *
 * A script that only takes away may run when Redis is full (allow-oom), so that a full hub can
 * drain; one that adds is refused then, before it did anything.
 */
extern const sh_redis_script sh_script_ack;
extern const sh_redis_script sh_script_bury;
extern const sh_redis_script sh_script_claims_touch;
extern const sh_redis_script sh_script_consumer_end;
extern const sh_redis_script sh_script_consumers_tidy;
extern const sh_redis_script sh_script_dead_drop;
extern const sh_redis_script sh_script_dead_list;
extern const sh_redis_script sh_script_dead_retry;
extern const sh_redis_script sh_script_digests_set;
extern const sh_redis_script sh_script_failures_add;
extern const sh_redis_script sh_script_fetch;
extern const sh_redis_script sh_script_group_create;
extern const sh_redis_script sh_script_key_set;
extern const sh_redis_script sh_script_leases_end;
extern const sh_redis_script sh_script_leases_take;
extern const sh_redis_script sh_script_names_forget;
extern const sh_redis_script sh_script_newest_heads;
extern const sh_redis_script sh_script_node_set;
extern const sh_redis_script sh_script_nodes_load;
extern const sh_redis_script sh_script_nodes_waiting;
extern const sh_redis_script sh_script_put;
extern const sh_redis_script sh_script_ready;
extern const sh_redis_script sh_script_restamp;
extern const sh_redis_script sh_script_take;

#endif
