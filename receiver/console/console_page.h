/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_CONSOLE_PAGE_H
#define RECEIVER_CONSOLE_PAGE_H

#include "libcommon/http/http_server.h"

#include <stdbool.h>

/*
 * Answers a request for an embedded file by its exact path, `/` for index.html; false: there is no
 * such file, and nothing was answered.
 */
bool console_page_reply(sh_http_exchange *exchange, const char *path);

#endif
