/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_DEVICE_CSV_H
#define RECEIVER_DEVICE_CSV_H

#include "libcommon/base/buffer.h"
#include "receiver/store/store.h"

/*
 * Devices as CSV (RFC 4180): the columns of the table with the values of device_json.h, then
 * present, since, first_seen and nodes (names, separated by semicolons). Control characters are
 * escaped as in tables. A text that a spreadsheet would interpret as a formula is prefixed with an
 * apostrophe. SH_E_LIMIT, SH_E_MEMORY.
 */

/* A byte becomes at most eight: `\U000e0041` for four. */
#define DEVICE_CSV_MAX (8 * SH_ROW_MAX)

sh_err device_csv_titles(sh_buf *csv, const sh_column *columns, size_t count);
sh_err device_csv_write(sh_buf *csv, const store_device *device, bool has_presence);

#endif
