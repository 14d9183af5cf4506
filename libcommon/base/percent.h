/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_PERCENT_H
#define SH_PERCENT_H

#include "libcommon/base/buffer.h"
#include "libcommon/base/error.h"
#include "libcommon/base/text.h"

/* Percent-encodes all but unreserved characters (RFC 3986). Appends to *ret. */
sh_err sh_percent_encode(const char *text, sh_buf *ret);
/* Decodes text and appends it to *ret. SH_E_FORMAT for an invalid escape. */
sh_err sh_percent_decode(sh_slice text, sh_buf *ret);

#endif
