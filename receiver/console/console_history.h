/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_CONSOLE_HISTORY_H
#define RECEIVER_CONSOLE_HISTORY_H

#include "receiver/console/console_request.h"

/* GET history: the hourly figures of a node, or of all nodes. */
void console_show_history(console_request *request);

#endif
