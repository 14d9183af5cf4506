/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_CONSUMER_NAME_H
#define RECEIVER_CONSUMER_NAME_H

#include "libcommon/base/error.h"

#include <stdint.h>

#define CONSUMER_NAME_BYTES 96

/*
 * A unique name of this process in the consumer group of this Redis and prefix that is, if
 * possible, the same after a restart, so that the process gets its pending entries again at once
 * after a crash: the host name, a hash that distinguishes hosts with the same name
 * (consumer_name_write()), and the first free number, reserved by an abstract Unix socket that the
 * kernel frees with the process. Keep *fd open as long as the name is used. SH_E_IO.
 */
sh_err consumer_name_take(const char *redis_url, const char *prefix,
                          char ret[static CONSUMER_NAME_BYTES], int *fd, sh_error *error);

/* The parts of a name that distinguish hosts. */
typedef struct {
    const char *host;
    const char *boot_id;        /* random at each boot, so that cloned machines differ */
    uint64_t network_namespace; /* inode; each namespace has its own numbers */
    const char *group;          /* Redis and prefix */
} consumer_place;
void consumer_name_write(const consumer_place *place, int number,
                         char ret[static CONSUMER_NAME_BYTES]);

#endif
