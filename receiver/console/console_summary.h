/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_CONSOLE_SUMMARY_H
#define RECEIVER_CONSOLE_SUMMARY_H

#include "receiver/console/console_request.h"

/* The handler of GET /api/v1/summary, which answers. */
void console_show_summary(console_request *request);

#endif
