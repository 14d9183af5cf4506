/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_CONSOLE_CREDENTIAL_TRANSFER_H
#define RECEIVER_CONSOLE_CREDENTIAL_TRANSFER_H

#include "receiver/console/console_request.h"

/*
 * Handlers of POST /api/v1/credentials/export and import. Each answers. They are not for read-only
 * tokens: who has the file and SYNC_encryption_key, as every node with the shared one, can open it.
 */

void console_export_credentials(console_request *request);
void console_import_credentials(console_request *request);

/*
 * How many bytes of body the request may have, if it is an import, whose file is larger than other
 * bodies: so its sender is identified first. 0: a problem was answered. SH_HTTP_WAIT: to be called
 * again where it may wait.
 */
size_t console_admit_import(console_request *request);
/* Whether it is one. */
bool console_is_import(const sh_http_exchange *exchange);

#endif
