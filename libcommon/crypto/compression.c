/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/crypto/compression.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/limits.h"

#include <stdio.h>
#include <zstd.h>

/* Level 1 compresses device tables to 1/25; higher levels gain little. */
#define LEVEL 1

sh_err sh_compress(sh_slice plain, sh_buf *ret, sh_error *error)
{
    size_t bound = ZSTD_compressBound(plain.len);
    /* The frame can fit within the buffer's limit even if the bound does not. */
    size_t available = ret->limit - ret->len;
    size_t capacity = bound < available ? bound : available;
    if (sh_buf_reserve(ret, ret->len + capacity) != SH_OK)
        return sh_fail(error, SH_E_MEMORY, "no memory to compress %zu bytes", plain.len);
    size_t len = ZSTD_compress(ret->data + ret->len, capacity, plain.data, plain.len, LEVEL);
    if (ZSTD_isError(len)) {
        if (capacity < bound)
            return sh_fail(error, SH_E_LIMIT, "%zu bytes compress to more than the limit of %zu",
                           plain.len, available);
        return sh_fail(error, SH_E_MEMORY, "zstd: %s", ZSTD_getErrorName(len));
    }
    ret->len += len;
    ret->data[ret->len] = '\0';
    sh_buf_fit(ret); /* usually 1/25 of the bound */
    return SH_OK;
}

static void free_context(ZSTD_DCtx **context)
{
    ZSTD_freeDCtx(*context);
}

sh_err sh_decompress(sh_slice compressed, size_t plain_len, sh_buf *ret, sh_error *error)
{
    if (plain_len > ret->limit - ret->len)
        return sh_fail(error, SH_E_LIMIT, "the text has %zu bytes, more than the limit of %zu",
                       plain_len, ret->limit);
    if (ZSTD_getFrameContentSize(compressed.data, compressed.len) != plain_len)
        return sh_fail(error, SH_E_FORMAT, "the zstd frame does not hold the expected %zu bytes",
                       plain_len);
    size_t frame = ZSTD_findFrameCompressedSize(compressed.data, compressed.len);
    if (ZSTD_isError(frame) || frame != compressed.len)
        return sh_fail(error, SH_E_FORMAT, "the compressed text is not exactly one zstd frame");

    SH_CLEANUP(free_context) ZSTD_DCtx *context = ZSTD_createDCtx();
    if (context == NULL || sh_buf_reserve(ret, ret->len + plain_len) != SH_OK)
        return sh_fail(error, SH_E_MEMORY, "no memory for a text of %zu bytes", plain_len);
    (void)ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, SH_ZSTD_WINDOW_LOG_MAX);
    size_t len = ZSTD_decompressDCtx(context, ret->data + ret->len, plain_len, compressed.data,
                                     compressed.len);
    if (ZSTD_isError(len) || len != plain_len)
        return sh_fail(error, SH_E_FORMAT, "the zstd frame is corrupt");
    ret->len += len;
    ret->data[ret->len] = '\0';
    return SH_OK;
}

void sh_compression_library(char ret[static SH_LIBRARY_BYTES])
{
    (void)snprintf(ret, SH_LIBRARY_BYTES, "libzstd %s", ZSTD_versionString());
}
