/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_LISTEN_ADDRESS_H
#define SH_LISTEN_ADDRESS_H

#include "libcommon/base/error.h"
#include "libcommon/base/text.h"

#include <stdint.h>

/*
 * Parses the `address:port` or `[IPv6]:port` of SYNC_listen. host is NUL-terminated, without
 * brackets. SH_E_FORMAT.
 */
sh_err sh_listen_read(sh_slice text, char host[static 64], uint16_t *port, sh_error *error);

#endif
