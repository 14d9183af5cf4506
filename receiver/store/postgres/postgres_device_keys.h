/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_POSTGRES_DEVICE_KEYS_H
#define RECEIVER_POSTGRES_DEVICE_KEYS_H

#include "libcommon/netalertx/mac.h"

#include <stddef.h>

/* Keys of devices in the order in which all receivers insert them. Pure. */
typedef struct {
    const sh_mac *mac;
    size_t index; /* in the caller's array */
} device_key;

/* Sorts by key, ignoring ASCII case; equal keys keep the caller's order. */
void device_keys_sort(device_key keys[], size_t count);

/* The first of sorted keys that equals a text, ignoring ASCII case; count if there is none. */
size_t device_keys_find(const device_key keys[], size_t count, const char *text);

/* Copies a key with ASCII letters in lower case, without a NUL, as lower() makes it. */
void device_key_fold(const sh_mac *mac, char ret[static SH_MAC_MAX_BYTES]);

#endif
