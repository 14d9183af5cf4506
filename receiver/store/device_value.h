/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_DEVICE_VALUE_H
#define RECEIVER_DEVICE_VALUE_H

#include "libcommon/base/buffer.h"
#include "libcommon/json/json_scan.h"
#include "receiver/store/device_columns.h"
#include "receiver/store/number_text.h"

/* A value of a row's JSON as the value of a column. Pure. */

/* Why a value cannot be stored. */
typedef enum {
    DEVICE_VALUE_GOOD,
    DEVICE_VALUE_NO_SCALAR, /* an array or an object */
    DEVICE_VALUE_INFINITE,
    DEVICE_VALUE_TOO_LARGE, /* a whole number of more than 64 bits */
    DEVICE_VALUE_NO_TEXT,   /* a NUL, or half of a surrogate pair */
    DEVICE_VALUE_NOT_UTF8,
    DEVICE_VALUE_NO_BOOLEAN,
} device_value_fault;

/* "an array or an object" */
const char *device_value_fault_words(device_value_fault fault);

typedef struct {
    sh_buf *storage; /* of texts without their escapes; its limit is the length of the row's JSON */
    char *short_text; /* NUMBER_TEXT_BYTES for this value alone */
} device_value_room;

typedef struct {
    sh_value value; /* borrows from member and room; NULL for JSON's null and after a fault */
    device_value_fault fault;
} device_value;

/*
 * Gives what NetAlertX's database would store of the member, by the column's kind and affinity:
 * numbers in text columns as their text, true as 1, text in a number column as it is unless it is
 * a number. SH_E_MEMORY.
 */
sh_err device_value_read(const sh_column *column, const sh_json_scan_member *member,
                         const device_value_room *room, device_value *ret);

/* The text of a string or number, for a key; the same faults. SH_E_MEMORY. */
sh_err device_value_text(const sh_json_scan_member *member, const device_value_room *room,
                         device_value *ret);

#endif
