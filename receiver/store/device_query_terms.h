/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_DEVICE_QUERY_TERMS_H
#define RECEIVER_DEVICE_QUERY_TERMS_H

#include "libcommon/base/buffer.h"
#include "receiver/store/schema.h"

/* Parts of the SQL of device_query.h: presence, and what devices are sorted by. */

#define DEVICE_QUERY_TEXTS_MAX 5
typedef struct {
    /* Set by the caller: NULL, or the list of device_candidates.h of which the devices are. */
    const char *candidates;
    sh_slice texts[DEVICE_QUERY_TEXTS_MAX]; /* parameters $1 and following, borrowed */
    size_t count;
    sh_mac mac; /* one of the texts may borrow from it */
} device_query_parameters;

/* A text column in which ASCII case is ignored, by an index. */
typedef struct {
    const char *order;        /* what devices are sorted by */
    const char *equals, *end; /* before and after a parameter that it is compared with */
} folded_column;

/* The differences between the backends. */
typedef struct {
    const char *mac;           /* the key of device d, as in SyncHub_Presence */
    const char *joined_mac;    /* the same of device e */
    folded_column mac_folded;  /* of device d */
    folded_column node_folded; /* devSyncHubNode: order of device d, equals of device e */
    const char *node_views;    /* aggregate of node, present, times, ip */
    const char *ip_key;
    /* The rows of SyncHub_NodePresence of all devices, and what precedes the statement. */
    const char *with_presence, *presence;
    const char *computed;    /* end of a subquery whose rows are computed before they are grouped */
    const char *grouped;     /* before the column mac that rows are grouped by */
    const char *in, *in_end; /* before and after a list of device_candidates.h */
} device_dialect;

extern const device_dialect device_dialects[2]; /* by schema_dialect */

typedef struct {
    const store_device_query *query;
    schema_dialect dialect;
    const device_dialect *terms;
    bool has_presence;
    bool is_grouped; /* the presence of all devices is joined as a(mac, state, k) */
    const sh_column *columns;
    size_t column_count;
    sh_buf *sql;
    device_query_parameters *parameters;
    const char *joint; /* " WHERE " or " AND ", before the next condition */
    sh_err err;        /* first error; nothing is added after it */
} device_sql;

void device_sql_add(device_sql *b, const char *text);
void device_sql_add_number(device_sql *b, int64_t number);
/* A parameter by its number, which SQLite counts by first appearance: so they are added in order.
 */
void device_sql_add_place(device_sql *b, size_t number);
bool device_sql_has_column(const device_sql *b, const char *name);

/* What the nodes, or the node of the query, say of device d: a subquery without its end. */
void device_sql_add_views(device_sql *b, const char *what);
/* As device_presence_read() derives it from the views. */
void device_sql_add_present(device_sql *b, const char *present);
/* When a NetAlertX first saw device d. */
void device_sql_add_netalertx_first(device_sql *b);
/*
 * The presence of all devices, summed up in one pass: a join of the device d with a(mac, state, k),
 * of which k is the key. Sorting by presence needs it of all devices, and looking it up one by one
 * takes three times as long.
 */
void device_sql_add_grouped(device_sql *b);
/* First seen by the hub at this time or later. */
void device_sql_add_first_seen(device_sql *b, int64_t ms);
/* By what the devices are sorted before their rowid, without NULL; false: by nothing. */
bool device_sql_add_key(device_sql *b);

#endif
