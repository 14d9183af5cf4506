/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PULLER_PULL_REQUEST_H
#define PULLER_PULL_REQUEST_H

#include "puller/own_credentials.h"
#include "puller/pull_run.h"

/* What a node is asked: its token, and which table the hub has already. */

puller_credentials pull_request_credentials(const pull_run *r);

/* Chooses the token and the headers. The errors of the queue; SH_E_REFUSED, SH_E_CRYPTO. */
sh_err pull_request_prepare(pull_run *r, node_fetch *f, sh_error *error);

/*
 * Chooses the next of the node's own tokens: during a rotation it knows the new or the old one.
 * False where there is none.
 */
bool pull_request_next_token(const pull_run *r, node_fetch *f);

/* Adds the node's request to those that are sent next. */
void pull_request_add(pull_run *r, node_fetch *f);

#endif
