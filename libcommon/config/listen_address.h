/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_LISTEN_ADDRESS_H
#define SH_LISTEN_ADDRESS_H

#include "libcommon/base/error.h"
#include "libcommon/base/text.h"

#include <stdint.h>

/* `address:port` of SYNC_listen; `[::1]:port` for IPv6. SH_E_FORMAT. host is NUL-terminated. */
sh_err sh_listen_read(sh_slice text, char host[static 64], uint16_t *port, sh_error *error);

#endif
