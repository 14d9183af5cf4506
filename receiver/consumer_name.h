/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_CONSUMER_NAME_H
#define RECEIVER_CONSUMER_NAME_H

#include "libcommon/error.h"

#define CONSUMER_NAME_BYTES 96

/*
 * A name in the consumer group of this Redis and prefix that is this process's alone and, as far as
 * can be, the same after a restart, so that what it held when it was killed is given to it again at
 * once: the host's name and the first free number, held by an abstract Unix socket that the kernel
 * frees with the process. *fd is to be kept open as long as the name is used. SH_E_IO.
 */
sh_err consumer_name_take(const char *redis_url, const char *prefix,
                          char ret[static CONSUMER_NAME_BYTES], int *fd, sh_error *error);

#endif
