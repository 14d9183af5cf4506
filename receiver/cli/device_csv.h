/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_DEVICE_CSV_H
#define RECEIVER_DEVICE_CSV_H

#include "receiver/store/store.h"

#include <stdio.h>

/*
 * Devices as CSV (RFC 4180): the columns of the table with the values of device_json.h, then
 * present, since, first_seen and nodes (names, separated by semicolons). Control characters are
 * escaped as in tables. A text that a spreadsheet would interpret as a formula is prefixed with an
 * apostrophe.
 */
void device_csv_titles(FILE *out, const sh_column *columns, size_t count);
/* SH_E_MEMORY */
sh_err device_csv_write(FILE *out, const store_device *device, bool has_presence, sh_error *error);

#endif
