/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_DEVICE_QUERY_H
#define RECEIVER_DEVICE_QUERY_H

#include "libcommon/base/buffer.h"
#include "receiver/store/schema.h"

/*
 * Builds the SQL of store_devices() for both backends. Result columns: rowid, the columns of the
 * table, present, since, first seen and last connection (Unix time in ms, 0: not known), and the
 * nodes that see the device, in the format of store_node_view_next().
 */

#define DEVICE_QUERY_TEXTS_MAX 3
typedef struct {
    sh_slice texts[DEVICE_QUERY_TEXTS_MAX]; /* parameters $1 and following, borrowed */
    size_t count;
    sh_mac mac; /* one of the texts may borrow from it */
} device_query_parameters;

/* SH_E_MEMORY, SH_E_LIMIT. */
sh_err device_query_build(const store *s, schema_dialect dialect, const store_device_query *query,
                          sh_buf *sql, device_query_parameters *ret);

/*
 * Writes a sort key for an IP address, so that IPv4 addresses sort numerically; the SQL function
 * ip_sort_key() of SQLite. PostgreSQL compares arrays of numbers.
 */
#define DEVICE_IP_KEY_BYTES 80
void device_ip_key(sh_slice ip, char ret[static DEVICE_IP_KEY_BYTES]);

#endif
