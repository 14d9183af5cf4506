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
extern const sh_redis_script sh_script_leases_end;
extern const sh_redis_script sh_script_leases_take;
extern const sh_redis_script sh_script_names_forget;
extern const sh_redis_script sh_script_node_set;
extern const sh_redis_script sh_script_nodes_load;
extern const sh_redis_script sh_script_nodes_waiting;
extern const sh_redis_script sh_script_put;
extern const sh_redis_script sh_script_ready;

#endif
