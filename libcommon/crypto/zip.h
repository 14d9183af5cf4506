/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_ZIP_H
#define SH_ZIP_H

#include "libcommon/base/buffer.h"
#include "libcommon/base/error.h"
#include "libcommon/base/text.h"
#include "libcommon/base/version.h"

/* The one module that uses zstd (RFC 8878). */

/* Adds one zstd frame that holds plain and its size. SH_E_LIMIT, SH_E_MEMORY. */
sh_err sh_zip(sh_slice plain, sh_buf *ret, sh_error *error);

/*
 * Adds the plain_len bytes that packed, exactly one frame, holds. The frame's own size must be
 * plain_len, so that nothing is allocated on its word alone. SH_E_FORMAT, SH_E_LIMIT, SH_E_MEMORY.
 */
sh_err sh_unzip(sh_slice packed, size_t plain_len, sh_buf *ret, sh_error *error);

/* Name and version of the library, for --version. */
sh_library_version sh_zip_library;

#endif
