/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_DEVICE_VALUE_H
#define RECEIVER_DEVICE_VALUE_H

#include "libcommon/base/buffer.h"
#include "libcommon/json/json_scan.h"
#include "receiver/store/device_columns.h"
#include "receiver/store/number_text.h"

/* Converts a value in a row's JSON to the value of a column. Pure. */

/* Why a value cannot be stored. */
typedef enum {
    DEVICE_VALUE_GOOD,
    DEVICE_VALUE_NO_SCALAR, /* an array or an object */
    DEVICE_VALUE_INFINITE,
    DEVICE_VALUE_TOO_LARGE, /* a whole number of more than 64 bits */
    DEVICE_VALUE_NO_TEXT,   /* a NUL, or an unpaired surrogate */
    DEVICE_VALUE_NOT_UTF8,
    DEVICE_VALUE_NO_BOOLEAN,
} device_value_fault;

/* Text for messages, such as "an array or an object". */
const char *device_value_fault_text(device_value_fault fault);

typedef struct {
    sh_buf *storage;  /* for unescaped texts; its limit is the length of the row's JSON */
    char *short_text; /* NUMBER_TEXT_BYTES, for this value only */
} device_value_room;

typedef struct {
    sh_value value; /* borrows from member and room; NULL for JSON's null and after a fault */
    device_value_fault fault;
} device_value;

/*
 * Converts the member as NetAlertX's database does, by the column's kind and affinity: a number in
 * a text column to text, true to 1, text in a number column to a number if it is one. SH_E_MEMORY.
 */
sh_err device_value_read(const sh_column *column, const sh_json_scan_member *member,
                         const device_value_room *room, device_value *ret);

/* The text of a string or number, for a key, with the same faults. SH_E_MEMORY. */
sh_err device_value_text(const sh_json_scan_member *member, const device_value_room *room,
                         device_value *ret);

#endif
