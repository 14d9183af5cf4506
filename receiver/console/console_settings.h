/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_CONSOLE_SETTINGS_H
#define RECEIVER_CONSOLE_SETTINGS_H

#include "receiver/console/console_request.h"

/* Settings: GET settings, GET, PUT and DELETE settings/{name}, POST settings/{name}/check. */
void console_list_settings(console_request *request);
void console_show_setting(console_request *request);
void console_set_setting(console_request *request);
void console_unset_setting(console_request *request);
/* Changes nothing: says whether a value is valid, while somebody types it. */
void console_check_setting(console_request *request);

#endif
