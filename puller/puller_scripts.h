/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PULLER_SCRIPTS_H
#define PULLER_SCRIPTS_H

#include "libcommon/queue/redis_script.h"

/* As libcommon/queue/queue_scripts.h, for the puller's own calls. */

extern const sh_redis_script *const puller_scripts[]; /* all of them, then NULL */

/* Keys: one lease_key_arguments for each lease; then the arguments. */
extern const sh_redis_script sh_script_leases_take;
typedef struct {
    sh_slice lease, done;
} lease_key_arguments;
typedef struct {
    sh_slice holder, within_ms, hold_ms;
} leases_take_arguments;

/*
 * Keys: names, then one lease_key_arguments for each lease. Arguments: the holder, then one
 * lease_end_arguments for each lease.
 */
extern const sh_redis_script sh_script_leases_end;
typedef struct {
    sh_slice fetched, url, name;
} lease_end_arguments;

#endif
