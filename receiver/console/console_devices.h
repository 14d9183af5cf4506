/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_CONSOLE_DEVICES_H
#define RECEIVER_CONSOLE_DEVICES_H

#include "receiver/console/console_request.h"

/* Handlers of GET /api/v1/devices and /api/v1/devices.csv. Each answers. */

void console_list_devices(console_request *request);
void console_export_devices(console_request *request);
void console_show_device(console_request *request);

#endif
