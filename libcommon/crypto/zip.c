/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/crypto/zip.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/limits.h"

#include <stdio.h>
#include <zstd.h>

/* Level 1 shrinks device tables 25 times at the speed of memory; higher levels gain little. */
#define LEVEL 1

sh_err sh_zip(sh_slice plain, sh_buf *ret, sh_error *error)
{
    size_t bound = ZSTD_compressBound(plain.len);
    /* The bound exceeds a tight limit where the frame itself may not: aim at what is allowed. */
    size_t room = ret->limit - ret->len;
    size_t want = bound < room ? bound : room;
    if (sh_buf_reserve(ret, ret->len + want) != SH_OK)
        return sh_fail(error, SH_E_MEMORY, "no memory to compress %zu bytes", plain.len);
    size_t len = ZSTD_compress(ret->data + ret->len, want, plain.data, plain.len, LEVEL);
    if (ZSTD_isError(len)) {
        if (want < bound)
            return sh_fail(error, SH_E_LIMIT, "%zu bytes do not compress into the %zu allowed",
                           plain.len, room);
        return sh_fail(error, SH_E_MEMORY, "zstd: %s", ZSTD_getErrorName(len));
    }
    ret->len += len;
    ret->data[ret->len] = '\0';
    sh_buf_fit(ret); /* a 25th of the bound, most likely */
    return SH_OK;
}

static void free_context(ZSTD_DCtx **context)
{
    ZSTD_freeDCtx(*context);
}

sh_err sh_unzip(sh_slice packed, size_t plain_len, sh_buf *ret, sh_error *error)
{
    if (plain_len > ret->limit - ret->len)
        return sh_fail(error, SH_E_LIMIT, "a text of %zu bytes is over the limit of %zu", plain_len,
                       ret->limit);
    if (ZSTD_getFrameContentSize(packed.data, packed.len) != plain_len)
        return sh_fail(error, SH_E_FORMAT, "the zstd frame is not of the size that was announced");
    size_t frame = ZSTD_findFrameCompressedSize(packed.data, packed.len);
    if (ZSTD_isError(frame) || frame != packed.len)
        return sh_fail(error, SH_E_FORMAT, "there is not exactly one zstd frame");

    SH_CLEANUP(free_context) ZSTD_DCtx *context = ZSTD_createDCtx();
    if (context == NULL || sh_buf_reserve(ret, ret->len + plain_len) != SH_OK)
        return sh_fail(error, SH_E_MEMORY, "no memory for a text of %zu bytes", plain_len);
    (void)ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, SH_ZSTD_WINDOW_LOG_MAX);
    size_t len =
        ZSTD_decompressDCtx(context, ret->data + ret->len, plain_len, packed.data, packed.len);
    if (ZSTD_isError(len) || len != plain_len)
        return sh_fail(error, SH_E_FORMAT, "the zstd frame is broken");
    ret->len += len;
    ret->data[ret->len] = '\0';
    return SH_OK;
}

void sh_zip_library(char ret[static SH_LIBRARY_BYTES])
{
    (void)snprintf(ret, SH_LIBRARY_BYTES, "libzstd %s", ZSTD_versionString());
}
