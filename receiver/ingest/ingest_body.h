/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_INGEST_BODY_H
#define RECEIVER_INGEST_BODY_H

#include "libcommon/http/http_server.h"
#include "libcommon/native/envelope.h"

#include <stdbool.h>
#include <stddef.h>

/* Checks of a body that both protocols make before they queue it. */

/* Checks that the text is of its kind. SH_E_FORMAT, SH_E_LIMIT, with the message for the node. */
sh_err ingest_check_text(sh_kind kind, sh_slice text, sh_error *error);

/*
 * Charges the memory for data derived from a small body to the budget for bodies. Answers 503 and
 * returns false if the budget is used up.
 */
bool ingest_claim(sh_http_exchange *exchange, const char *node, size_t bytes);

#endif
