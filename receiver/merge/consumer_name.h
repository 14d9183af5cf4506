/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_CONSUMER_NAME_H
#define RECEIVER_CONSUMER_NAME_H

#include "libcommon/base/error.h"

#include <stdint.h>

#define CONSUMER_NAME_BYTES 96

/*
 * A name in the consumer group of this Redis and prefix that is this process's alone and, as far as
 * can be, the same after a restart, so that what it held when it was killed is given to it again at
 * once: the host's name, a hash that tells hosts of one name apart (consumer_name_write()), and the
 * first free number, held by an abstract Unix socket that the kernel frees with the process. *fd is
 * to be kept open as long as the name is used. SH_E_IO.
 */
sh_err consumer_name_take(const char *redis_url, const char *prefix,
                          char ret[static CONSUMER_NAME_BYTES], int *fd, sh_error *error);

/* What makes a name another one on another host. */
typedef struct {
    const char *host;
    const char *boot_id;        /* random, of each start of a machine: cloned ones differ in it */
    uint64_t network_namespace; /* its inode; numbers are free in each anew */
    const char *group;          /* Redis and prefix */
} consumer_place;
void consumer_name_write(const consumer_place *place, int number,
                         char ret[static CONSUMER_NAME_BYTES]);

#endif
