/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_DEVICE_QUERY_H
#define RECEIVER_DEVICE_QUERY_H

#include "libcommon/base/buffer.h"
#include "receiver/store/schema.h"

/*
 * The SQL of store_devices(), for both backends. Its columns: rowid, the columns of the table, then
 * present, since, first seen and last connection (Unix time in ms, 0: not known), and the nodes
 * that see the device, as store_node_view_next() reads them. Pure.
 */

#define DEVICE_QUERY_TEXTS_MAX 3
typedef struct {
    sh_slice texts[DEVICE_QUERY_TEXTS_MAX]; /* parameters $1 and following, borrowed */
    size_t count;
    sh_mac mac; /* what one of them may borrow from */
} device_query_parameters;

/* SH_E_MEMORY, SH_E_LIMIT. */
sh_err device_query_build(const store *s, schema_dialect dialect, const store_device_query *query,
                          sh_buf *sql, device_query_parameters *ret);

/*
 * A text by which addresses sort as they should, IPv4 by its numbers; for SQLite, as the function
 * ip_sort_key(). PostgreSQL compares arrays of numbers.
 */
#define DEVICE_IP_KEY_BYTES 80
void device_ip_key(sh_slice ip, char ret[static DEVICE_IP_KEY_BYTES]);

#endif
