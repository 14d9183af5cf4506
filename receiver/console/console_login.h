/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_CONSOLE_LOGIN_H
#define RECEIVER_CONSOLE_LOGIN_H

#include "receiver/console/console_request.h"

/* Handlers of /api/v1/session and /api/v1/password. Each answers. */

void console_login(console_request *request);
void console_logout(console_request *request);
void console_show_session(console_request *request);
void console_change_password(console_request *request);

#endif
