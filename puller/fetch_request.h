/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PULLER_FETCH_REQUEST_H
#define PULLER_FETCH_REQUEST_H

#include "puller/own_credentials.h"
#include "puller/pull_run.h"

/* Builds a node's request: its token, and which table the hub has already. */

puller_credentials pull_request_credentials(const pull_run *r);

/* Chooses the token and the headers. The errors of the queue; SH_E_REFUSED, SH_E_CRYPTO. */
sh_err pull_request_prepare(pull_run *r, node_fetch *f, sh_error *error);

/*
 * Chooses the node's next token: during a rotation it may have the new or the old one. False if
 * there is none.
 */
bool pull_request_next_token(const pull_run *r, node_fetch *f);

/* Adds the node's request to the next batch. */
void pull_request_add(pull_run *r, node_fetch *f);

#endif
