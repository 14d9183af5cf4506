/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/store/device_query.h"

#include "receiver/store/store_common.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* The differences between the backends. */
typedef struct {
    const char *mac;        /* expression of a device's key */
    const char *node_views; /* aggregate of node, present, since_ms, ip */
    const char *contains;   /* lower(x) contains lower(y): before, between, behind */
    const char *ip_key;
} dialect_words;

static const dialect_words dialects[] = {
    [SCHEMA_SQLITE] = {.mac = "d.\"devMac\"",
                       .node_views = "group_concat(node || char(31) || present || char(31) ||"
                                     " since_ms || char(31) || ip, char(30))",
                       .contains = "instr",
                       .ip_key = "ip_sort_key(\"devLastIP\")"},
    [SCHEMA_POSTGRES] =
        {.mac = "lower(d.\"devMac\")",
         .node_views = "string_agg(node || chr(31) || present || chr(31) ||"
                       " since_ms || chr(31) || ip, chr(30) ORDER BY node)",
         .contains = "strpos",
         .ip_key = "(CASE WHEN \"devLastIP\" ~ '^[0-9]{1,3}([.][0-9]{1,3}){3}$'"
                   " THEN string_to_array(\"devLastIP\", '.')::int[] END), \"devLastIP\""},
};

static const char *const searched[] = {"devMac",      "devName",       "devLastIP",   "devVendor",
                                       "devOwner",    "devGroup",      "devLocation", "devFQDN",
                                       "devComments", "devSyncHubNode"};

typedef struct {
    const store *store;
    const dialect_words *words;
    const sh_column *columns;
    size_t column_count;
    sh_buf *sql;
    device_query_parameters *parameters;
    const char *joint; /* " WHERE " or " AND ", before the next condition */
    sh_err err;        /* first error; nothing is added after it */
} builder;

static void add(builder *b, const char *text)
{
    if (b->err == SH_OK)
        b->err = sh_buf_append_text(b->sql, text);
}

static size_t add_parameter(builder *b, sh_slice text)
{
    b->parameters->texts[b->parameters->count] = text;
    return ++b->parameters->count;
}

static bool has_column(const builder *b, const char *name)
{
    size_t index = 0;
    return store_column_index(b->columns, b->column_count, name, &index);
}

/* Begins a condition. */
static void add_condition(builder *b)
{
    add(b, b->joint);
    b->joint = " AND ";
}

/* Presence according to the tables of all nodes, or of one. */
static void add_presence(builder *b, size_t node)
{
    add(b, ", CASE a.state WHEN 2 THEN 'yes' WHEN 0 THEN 'no' ELSE 'unknown' END AS \"hubPresent\","
           " coalesce(CASE a.state WHEN 2 THEN a.yes_ms WHEN 1 THEN a.unknown_ms ELSE a.since_ms"
           " END, 0) AS \"hubSince\", coalesce(a.first_ms, 0) AS \"hubFirst\","
           " coalesce(a.connected_ms, 0) AS \"hubConnected\", coalesce(a.nodes, '') AS \"hubNodes\""
           " FROM \"Devices\" AS d LEFT JOIN (SELECT mac,"
           " max(CASE present WHEN 'yes' THEN 2 WHEN 'unknown' THEN 1 ELSE 0 END) AS state,"
           " min(CASE present WHEN 'yes' THEN since_ms END) AS yes_ms,"
           " max(CASE present WHEN 'unknown' THEN since_ms END) AS unknown_ms,"
           " max(since_ms) AS since_ms, min(first_seen_ms) AS first_ms,"
           " max(last_connection_ms) AS connected_ms, ");
    add(b, b->words->node_views);
    add(b, " AS nodes FROM \"SyncHub_NodePresence\"");
    if (node > 0 && b->err == SH_OK)
        b->err = sh_buf_append_format(b->sql, " WHERE node = $%zu", node);
    add(b, " GROUP BY mac) AS a ON ");
    add(b, b->words->mac);
    add(b, " = a.mac");
}

/* NetAlertX's own database: its columns have the presence over all nodes. */
static void add_netalertx_presence(builder *b)
{
    add(b, has_column(b, "devPresentLastScan")
               ? ", CASE d.\"devPresentLastScan\" WHEN 1 THEN 'yes' ELSE 'no' END"
               : ", 'unknown'");
    add(b, " AS \"hubPresent\", 0 AS \"hubSince\", ");
    add(b, has_column(b, "devFirstConnection")
               ? "coalesce(CAST(strftime('%s', d.\"devFirstConnection\", 'utc') AS INTEGER), 0)"
                 " * 1000"
               : "0");
    add(b, " AS \"hubFirst\", 0 AS \"hubConnected\", '' AS \"hubNodes\" FROM \"Devices\" AS d");
}

static void add_search(builder *b, const char *text)
{
    size_t as_it_is = add_parameter(b, sh_slice_of(text));
    size_t as_mac = 0;
    if (sh_mac_read(sh_slice_of(text), &b->parameters->mac, NULL) == SH_OK &&
        b->parameters->mac.number != 0)
        as_mac = add_parameter(b, (sh_slice){b->parameters->mac.text, b->parameters->mac.len});
    add_condition(b);
    add(b, "(");
    const char *joint = "";
    for (size_t i = 0; i < sizeof searched / sizeof searched[0]; i++) {
        if (!has_column(b, searched[i]) || b->err != SH_OK)
            continue;
        b->err = sh_buf_append_format(b->sql, "%s%s(lower(\"%s\"), lower($%zu)) > 0", joint,
                                      b->words->contains, searched[i], as_it_is);
        joint = " OR ";
    }
    if (as_mac > 0 && b->err == SH_OK)
        b->err = sh_buf_append_format(b->sql, "%slower(\"devMac\") = $%zu", joint, as_mac);
    add(b, ")");
}

static void add_conditions(builder *b, const store_device_query *query, size_t node)
{
    b->joint = " WHERE ";
    if (query->present != NULL) {
        add_condition(b);
        if (b->err == SH_OK) /* one of three constants */
            b->err = sh_buf_append_format(b->sql, "\"hubPresent\" = '%s'", query->present);
    }
    if (query->first_seen_ms > 0) {
        add_condition(b);
        if (b->err == SH_OK)
            b->err = sh_buf_append_format(b->sql, "\"hubFirst\" >= %" PRId64, query->first_seen_ms);
    }
    if (node > 0) {
        add_condition(b);
        add(b, has_column(b, "devSyncHubNode") ? "(\"hubNodes\" <> '' OR " : "(\"hubNodes\" <> ''");
        if (has_column(b, "devSyncHubNode") && b->err == SH_OK)
            b->err = sh_buf_append_format(b->sql, "\"devSyncHubNode\" = $%zu", node);
        add(b, ")");
    }
    if (query->mac != NULL) {
        add_condition(b);
        size_t mac = add_parameter(b, (sh_slice){query->mac->text, query->mac->len});
        if (b->err == SH_OK)
            b->err = sh_buf_append_format(b->sql, "lower(\"devMac\") = lower($%zu)", mac);
    }
    if (query->search != NULL)
        add_search(b, query->search);
}

/* Columns of Devices sort case-insensitively; equal values by MAC. */
static void add_order(builder *b, const store_device_query *query)
{
    static const struct {
        const char *column, *expression;
    } keys[] = {
        [STORE_SORT_MAC] = {"devMac", "lower(\"devMac\")"},
        [STORE_SORT_NAME] = {"devName", "lower(\"devName\")"},
        [STORE_SORT_IP] = {"devLastIP", NULL},
        [STORE_SORT_VENDOR] = {"devVendor", "lower(\"devVendor\")"},
        [STORE_SORT_NODE] = {"devSyncHubNode", "lower(\"devSyncHubNode\")"},
        [STORE_SORT_PRESENT] = {NULL, "\"hubPresent\""},
        [STORE_SORT_SINCE] = {NULL, "\"hubSince\""},
        [STORE_SORT_FIRST_SEEN] = {NULL, "\"hubFirst\""},
        [STORE_SORT_LAST_SEEN] = {NULL, "\"hubConnected\""},
    };
    const char *direction = query->descending ? " DESC" : "";
    bool usable = query->sort != STORE_SORT_NONE &&
                  (keys[query->sort].column == NULL || has_column(b, keys[query->sort].column));
    add(b, " ORDER BY ");
    if (usable) {
        const char *expression = keys[query->sort].expression;
        add(b, expression == NULL ? b->words->ip_key : expression);
        add(b, direction);
        add(b, ", ");
    }
    add(b, "rowid");
    add(b, usable ? "" : direction);
    if (query->limit > 0 && b->err == SH_OK)
        b->err = sh_buf_append_format(b->sql, " LIMIT %" PRId64, query->limit);
}

sh_err device_query_build(const store *s, schema_dialect dialect, const store_device_query *query,
                          sh_buf *sql, device_query_parameters *ret)
{
    builder b = {.store = s, .words = &dialects[dialect], .sql = sql, .parameters = ret};
    b.columns = store_columns(s, &b.column_count);
    *ret = (device_query_parameters){.count = 0};
    size_t node = query->node == NULL ? 0 : add_parameter(&b, sh_slice_of(query->node));
    add(&b, "SELECT * FROM (SELECT d.rowid AS rowid");
    for (size_t i = 0; i < b.column_count && b.err == SH_OK; i++)
        b.err = sh_buf_append_format(sql, ", d.\"%s\"", b.columns[i].name);
    if (store_has_presence(s))
        add_presence(&b, node);
    else
        add_netalertx_presence(&b);
    add(&b, ") AS q");
    add_conditions(&b, query, node);
    add_order(&b, query);
    return b.err;
}

void device_ip_key(sh_slice ip, char ret[static DEVICE_IP_KEY_BYTES])
{
    unsigned parts[4];
    char text[DEVICE_IP_KEY_BYTES - 1];
    char rest = '\0';
    (void)snprintf(text, sizeof text, "%.*s", (int)ip.len, ip.len == 0 ? "" : ip.data);
    /* Four numbers of three digits at most cannot overflow. */
    /* NOLINTNEXTLINE(cert-err34-c) */
    if (sscanf(text, "%3u.%3u.%3u.%3u%c", &parts[0], &parts[1], &parts[2], &parts[3], &rest) == 4)
        (void)snprintf(ret, DEVICE_IP_KEY_BYTES, "4%03u.%03u.%03u.%03u", parts[0], parts[1],
                       parts[2], parts[3]);
    else
        (void)snprintf(ret, DEVICE_IP_KEY_BYTES, "6%s", text);
}

/* --- The nodes that see a device ------------------------------------------------------------- */

/* Returns the text before the separator, and skips the separator. */
static sh_slice next_field(sh_slice *text, char separator)
{
    const char *end = text->len == 0 ? NULL : memchr(text->data, separator, text->len);
    sh_slice field = *text;
    if (end == NULL) {
        *text = SH_SLICE("");
        return field;
    }
    field.len = (size_t)(end - text->data);
    text->data += field.len + 1;
    text->len -= field.len + 1;
    return field;
}

bool store_node_view_next(sh_slice *nodes, store_node_view *ret)
{
    if (nodes->len == 0)
        return false;
    sh_slice record = next_field(nodes, '\x1e');
    uint64_t since_ms = 0;
    ret->node = next_field(&record, '\x1f');
    ret->present = next_field(&record, '\x1f');
    sh_slice since = next_field(&record, '\x1f');
    (void)sh_text_to_u64(since, INT64_MAX, &since_ms);
    ret->since_ms = (int64_t)since_ms;
    ret->ip = record;
    return true;
}
