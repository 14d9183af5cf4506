/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_DEVICE_JSON_H
#define RECEIVER_DEVICE_JSON_H

#include "libcommon/base/buffer.h"
#include "receiver/store/store.h"

/* A row as JSON is at most six bytes for each of its own: \u00e4 for a byte that is no UTF-8. */
#define DEVICE_JSON_MAX (8 * SH_ROW_MAX)

/*
 * Appends a device as an object: its row as in table_devices.json, so that a hub can read it, with
 * devPresentLastScan and devLastConnection as they are now where the database keeps presence; then
 * present, since, first_seen and nodes. ASCII only. SH_E_MEMORY, SH_E_LIMIT.
 */
sh_err device_json_write(sh_buf *json, const store_device *device, bool has_presence);

/*
 * The value of a column as it is now: overlaid says whether *ret replaces the one that is stored.
 * room is for the text.
 */
bool device_value_now(const store_device *device, const char *column, char room[static 24],
                      sh_value *ret);

#endif
