/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/native/error_code.h"

#include "libcommon/http/http_error.h"

#include <assert.h>

static const char *const texts[SH_CODES] = {
    [SH_CODE_ALTERED] = "altered",
    [SH_CODE_BUSY] = SH_HTTP_CODE_BUSY,
    [SH_CODE_CLOCK] = "clock",
    [SH_CODE_CONTENT] = "content",
    [SH_CODE_CONTENT_TYPE] = "content_type",
    [SH_CODE_CREDENTIALS] = "credentials",
    [SH_CODE_ENVELOPE] = "envelope",
    [SH_CODE_FULL] = "full",
    [SH_CODE_HEADER] = "header",
    [SH_CODE_INTERNAL] = "internal",
    [SH_CODE_KEY] = "key",
    [SH_CODE_MEMORY] = "memory",
    [SH_CODE_METHOD] = SH_HTTP_CODE_METHOD,
    [SH_CODE_NAMES] = "names",
    [SH_CODE_NODE_NAME] = "node_name",
    [SH_CODE_NOT_READY] = "not_ready",
    [SH_CODE_NO_TABLE] = "no_table",
    [SH_CODE_PATH] = SH_HTTP_CODE_PATH,
    [SH_CODE_PLAIN] = SH_HTTP_CODE_PLAIN,
    [SH_CODE_PLUGIN_NAME] = "plugin_name",
    [SH_CODE_REDIS] = "redis",
    [SH_CODE_REQUEST] = SH_HTTP_CODE_REQUEST,
    [SH_CODE_SHARE] = "share",
    [SH_CODE_SIZE] = SH_HTTP_CODE_SIZE,
    [SH_CODE_STOPPING] = SH_HTTP_CODE_STOPPING,
    [SH_CODE_TABLE] = "table",
    [SH_CODE_TLS] = SH_HTTP_CODE_TLS,
    [SH_CODE_TOKEN] = "token",
};

const char *sh_error_code_text(sh_error_code code)
{
    assert(code < SH_CODES);
    return texts[code];
}

sh_error_code sh_error_code_of(sh_slice text)
{
    for (sh_error_code code = SH_CODE_OTHER + 1; code < SH_CODES; code++)
        if (sh_slice_equals(text, sh_slice_of(texts[code])))
            return code;
    return SH_CODE_OTHER;
}
