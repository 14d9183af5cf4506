/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_DEVICE_JSON_H
#define RECEIVER_DEVICE_JSON_H

#include "libcommon/base/buffer.h"
#include "receiver/store/store.h"

/* In JSON a byte of a row becomes at most six: \u00e4 for a byte that is not valid UTF-8. */
#define DEVICE_JSON_MAX (8 * SH_ROW_MAX)

/*
 * Appends a device as an object: its row as in table_devices.json, so that a hub can read it, with
 * the current devPresentLastScan and devLastConnection if the database stores presence; then
 * present, since, first_seen and nodes. ASCII only. SH_E_MEMORY, SH_E_LIMIT.
 */
sh_err device_json_write(sh_buf *json, const store_device *device, bool has_presence);

/*
 * The current value of a column; if the result is true, *ret replaces the stored one. The text may
 * borrow from room.
 */
bool device_value_now(const store_device *device, const char *column, char room[static 24],
                      sh_value *ret);

#endif
