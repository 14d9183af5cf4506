/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_BLOCKLIST_EDIT_H
#define RECEIVER_BLOCKLIST_EDIT_H

#include "libcommon/base/buffer.h"
#include "libcommon/config/settings.h"

#include <stdbool.h>
#include <stdint.h>

/* The devices that are never inserted, as operators see and change them. */

typedef struct {
    char *mac, *note; /* note is NULL if SYNC_skip_macs names the device */
    int64_t added_ms; /* 0: not known */
} blocked_device;

/* The blocklist and SYNC_skip_macs, by MAC and source. */
typedef struct {
    blocked_device *items;
    size_t count, capacity;
} blocked_devices;

/* The errors of the store; SH_E_MEMORY. Release with blocked_devices_reset() in every case. */
sh_err blocked_devices_read(const sh_settings *settings, blocked_devices *ret, sh_error *error);
void blocked_devices_reset(blocked_devices *list);

/* Where it is blocked: `blocklist` or `SYNC_skip_macs`. */
const char *blocked_device_source(const blocked_device *device);
/* The order of the list: by MAC, then by source. */
int blocked_device_compare(const blocked_device *device, const char *mac, const char *source);

#define BLOCKED_DEVICE_JSON_MAX (4 * SH_KIB)

/* Appends it as a JSON object. The errors of json_write.h. */
sh_err blocked_device_write(sh_buf *json, const blocked_device *device);

/* What to do with some devices: all of them, or nothing. */
typedef struct {
    bool adds;               /* or removes */
    const char *const *macs; /* in any spelling */
    size_t count;
    const char *note; /* of those that are added; "": none, or the one that is there */
} blocklist_edit;

/*
 * Changes the blocklist in one transaction; receivers follow at once. *changed: how many were not
 * there, or were. SH_E_CONFIG for an invalid MAC or note, SH_E_LIMIT, SH_E_NOT_FOUND for one that
 * is to be removed and not on the list; the errors of hub_connections_open().
 */
sh_err blocklist_edit_apply(const sh_settings *settings, const blocklist_edit *edit,
                            size_t *changed, sh_error *error);

#endif
