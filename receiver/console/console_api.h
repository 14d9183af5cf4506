/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_CONSOLE_API_H
#define RECEIVER_CONSOLE_API_H

#include "receiver/console/console_request.h"

/* Routes a request below /api/v1/ to its handler, after checking who sends it, and answers. */
void console_api(console_request *request);

#endif
