/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_INGEST_BODY_H
#define RECEIVER_INGEST_BODY_H

#include "libcommon/http/http_server.h"

#include <stdbool.h>
#include <stddef.h>

/* What both protocols check of a body. */

/*
 * Charges the memory for data derived from a small body to the budget for bodies. Answers 503 and
 * returns false if the budget is used up.
 */
bool ingest_claim(sh_http_exchange *exchange, const char *node, size_t bytes);

#endif
