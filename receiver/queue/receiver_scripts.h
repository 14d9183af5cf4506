/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_SCRIPTS_H
#define RECEIVER_SCRIPTS_H

#include "libcommon/queue/redis_script.h"

/* As libcommon/queue/queue_scripts.h, of what the receiver alone does with the queue. */
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
extern const sh_redis_script sh_script_newest_heads;
extern const sh_redis_script sh_script_restamp;
extern const sh_redis_script sh_script_take;

#endif
