/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/ingest/ingest_body.h"

#include "receiver/ingest/ingest_error_answers.h"

bool ingest_claim(sh_http_exchange *exchange, const char *node, size_t bytes)
{
    if (sh_http_claim(exchange, bytes))
        return true;
    ingest_unavailable(exchange, UNAVAILABLE_BUSY, node, "all memory for bodies is in use");
    return false;
}
