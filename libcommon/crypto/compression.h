/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_COMPRESSION_H
#define SH_COMPRESSION_H

#include "libcommon/base/buffer.h"
#include "libcommon/base/error.h"
#include "libcommon/base/text.h"
#include "libcommon/base/version.h"

/* Wraps zstd (RFC 8878). Thread-safe. */

/* Appends one zstd frame that records its content size. SH_E_LIMIT, SH_E_MEMORY. */
sh_err sh_compress(sh_slice plain, sh_buf *ret, sh_error *error);

/*
 * Appends the content of exactly one frame. plain_len is the expected size: SH_E_FORMAT if the
 * frame's content size differs, before allocating. SH_E_LIMIT, SH_E_MEMORY.
 */
sh_err sh_decompress(sh_slice compressed, size_t plain_len, sh_buf *ret, sh_error *error);

sh_library_version sh_compression_library;

#endif
