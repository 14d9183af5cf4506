/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_PERCENT_H
#define SH_PERCENT_H

#include "libcommon/base/buffer.h"
#include "libcommon/base/error.h"
#include "libcommon/base/text.h"

/* Percent-encoding (RFC 3986) of all but unreserved characters, for names in header values. */
sh_err sh_percent_encode(const char *text, sh_buf *ret);
/* SH_E_FORMAT on a broken escape. Adds the decoded bytes to *ret. */
sh_err sh_percent_decode(sh_slice text, sh_buf *ret);

#endif
