/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_DEVICE_QUERY_H
#define RECEIVER_DEVICE_QUERY_H

#include "receiver/store/device_query_terms.h"

/*
 * Builds the SQL of store_devices() for both backends. Result columns: rowid, the columns of the
 * table, present, since, first seen and last connection (Unix time in ms, 0: not known), and the
 * nodes that see the device, in the format of store_node_view_next(), of which the others follow by
 * device_presence_read() if the database has presence. If device_query_is_in_two(),
 * the statement has the rowids only, as whole rows sort slowly; they are read by another.
 */

/*
 * SH_E_MEMORY, SH_E_LIMIT. SQLite needs the functions ip_sort_key() and any_contains(text, ...),
 * which returns whether any of the others contains the text, without regard to case.
 */
sh_err device_query_build(const store *s, schema_dialect dialect, const store_device_query *query,
                          sh_buf *sql, device_query_parameters *parameters);

/* Always in SQLite; in PostgreSQL, which asks a server, only if an index does not have the order.
 */
bool device_query_is_in_two(schema_dialect dialect, const store_device_query *query);

/*
 * The statement for the rows: $1 is the node of the query, if any; then a parameter that is the
 * rowid in SQLite, and in PostgreSQL an array of rowids, in whose order the rows are returned.
 * SH_E_MEMORY, SH_E_LIMIT.
 */
sh_err device_query_build_rows(const store *s, schema_dialect dialect,
                               const store_device_query *query, sh_buf *sql);

/* Derives a device's presence from its nodes. */
void device_presence_read(store_device *device);

/*
 * Writes a sort key for an IP address, so that IPv4 addresses sort numerically: the result of
 * ip_sort_key(). PostgreSQL makes the same key.
 */
#define DEVICE_IP_KEY_BYTES 80
void device_ip_key(sh_slice ip, char ret[static DEVICE_IP_KEY_BYTES]);

#endif
