/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/ingest/ingest_body.h"

#include "libcommon/base/limits.h"
#include "libcommon/netalertx/plugin_lines.h"
#include "libcommon/netalertx/table_scan.h"
#include "receiver/ingest/ingest_refusal.h"

bool ingest_claim(sh_http_exchange *exchange, const char *node, size_t bytes)
{
    if (sh_http_claim(exchange, bytes))
        return true;
    ingest_unavailable(exchange, UNAVAILABLE_BUSY, node, "all memory for bodies is in use");
    return false;
}

sh_err ingest_check_text(sh_kind kind, sh_slice text, sh_error *error)
{
    if (kind == SH_KIND_DEVICES)
        return sh_table_check(text.data, text.len, NULL, error);
    return sh_plugin_text_check(text.data, text.len, error);
}
