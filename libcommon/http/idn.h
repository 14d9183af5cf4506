/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_IDN_H
#define SH_IDN_H

#include "libcommon/base/buffer.h"
#include "libcommon/base/error.h"
#include "libcommon/base/text.h"

/*
 * Adds the form of an international host name that DNS knows, as in xn--bro-hoa.example for
 * büro.example: each label in Punycode (RFC 3492), capital letters made small. For messages: what
 * IDNA maps or forbids beyond that is not looked at. SH_E_FORMAT where host is not UTF-8;
 * SH_E_LIMIT, SH_E_MEMORY.
 */
sh_err sh_idn_to_ascii(sh_slice host, sh_buf *ret);

#endif
