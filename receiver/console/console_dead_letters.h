/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_CONSOLE_DEAD_LETTERS_H
#define RECEIVER_CONSOLE_DEAD_LETTERS_H

#include "receiver/console/console_request.h"

/* Handlers of /api/v1/dead-letters. Each answers. */

void console_list_dead_letters(console_request *request);
void console_show_dead_letter(console_request *request);
void console_retry_dead_letter(console_request *request);
void console_drop_dead_letter(console_request *request);

#endif
