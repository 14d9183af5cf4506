/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/ingest/ingest_success_answers.h"

#include "libcommon/base/hex.h"

#include <assert.h>
#include <stdio.h>

#define NAME_IS_SHARED                                                                             \
    ",\"notice\":\"several instances use the name of this node at once: give each a "              \
    "SYNC_node_name of its own\""

void ingest_reply_success(sh_http_exchange *exchange, const ingest_success *success)
{
    char id[SH_ID_HEX_BYTES] = "", body[sizeof NAME_IS_SHARED + SH_ID_HEX_BYTES + 64];
    if (success->id != NULL)
        sh_hex_encode(success->id, SH_ID_BYTES, id);
    int len = snprintf(body, sizeof body, "{\"status\":\"%s\"%s%s%s%s}", success->status,
                       success->id != NULL ? ",\"id\":\"" : "", id, success->id != NULL ? "\"" : "",
                       success->is_shared ? NAME_IS_SHARED : "");
    assert(len > 0 && (size_t)len < sizeof body);
    sh_http_reply(exchange, success->code, "application/json", (sh_slice){body, (size_t)len});
}
