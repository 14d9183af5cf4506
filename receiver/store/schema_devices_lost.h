/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_SCHEMA_DEVICES_LOST_H
#define RECEIVER_SCHEMA_DEVICES_LOST_H

/*
 * Marks in PostgreSQL's SyncHub_Meta of transactions that deleted devices, or changed their MACs:
 * keys that no other transaction of this or another server has used.
 */
#define SCHEMA_DEVICES_LOST "devices_lost "
#define SCHEMA_DEVICES_LOST_MARK                                                                   \
    "concat('" SCHEMA_DEVICES_LOST "', pg_current_xact_id(), ' ',"                                 \
    " extract(epoch FROM pg_postmaster_start_time()))"

#endif
