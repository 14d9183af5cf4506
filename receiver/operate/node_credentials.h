/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_NODE_CREDENTIALS_H
#define RECEIVER_NODE_CREDENTIALS_H

#include "receiver/operate/node_change.h"

/* Adding, rotating and revoking nodes' own credentials: from an operator's request to Redis. */

typedef enum { CREDENTIALS_ADD, CREDENTIALS_ROTATE, CREDENTIALS_REVOKE } credentials_action;

/*
 * Changes the nodes of *changes, which must have names and options, and publishes the result. On
 * success, and also if *stored is true because only publishing failed, each of them has the issued
 * secrets, which are stored nowhere. SH_E_REFUSED, SH_E_NOT_FOUND or SH_E_LIMIT, of one node;
 * errors of hub_connections_open().
 */
sh_err node_credentials_change(const sh_settings *settings, credentials_action action,
                               node_changes *changes, bool *stored, sh_error *error);

#endif
