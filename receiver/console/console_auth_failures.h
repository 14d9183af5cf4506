/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_CONSOLE_AUTH_FAILURES_H
#define RECEIVER_CONSOLE_AUTH_FAILURES_H

#include "receiver/console/console_request.h"

/* Handlers of /api/v1/auth-failures. Each answers. */

void console_list_auth_failures(console_request *request);
void console_clear_auth_failures(console_request *request);

#endif
