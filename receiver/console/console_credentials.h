/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_CONSOLE_CREDENTIALS_H
#define RECEIVER_CONSOLE_CREDENTIALS_H

#include "receiver/console/console_request.h"

/* Handlers of /api/v1/credentials and /api/v1/nodes/{name}/credentials. Each answers. */

void console_list_credentials(console_request *request);
void console_show_credentials(console_request *request);
void console_add_credentials(console_request *request);
void console_rotate_credentials(console_request *request);
void console_revoke_credentials(console_request *request);

#endif
