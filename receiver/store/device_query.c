/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/store/device_query.h"

#include "receiver/store/device_query_terms.h"
#include "receiver/store/store_common.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/*
 * Presence is asked for each device, by the index of SyncHub_Presence, and not summed up for all
 * before: the first of a million devices is found at once. Filters that select few devices begin
 * with an index, too. Only an order that needs the presence of all devices anyway sums it up.
 */

static const char *const searched[] = {"devMac",      "devName",       "devLastIP",   "devVendor",
                                       "devOwner",    "devGroup",      "devLocation", "devFQDN",
                                       "devComments", "devSyncHubNode"};

static size_t new_parameter(device_sql *b, sh_slice text)
{
    b->parameters->texts[b->parameters->count] = text;
    return ++b->parameters->count;
}

/* Begins a condition. */
static void add_condition(device_sql *b)
{
    device_sql_add(b, b->joint);
    b->joint = " AND ";
}

/* Devices that the node sees, or that it has sent. */
static void add_node(device_sql *b, size_t node)
{
    bool sender = device_sql_has_column(b, "devSyncHubNode");
    device_sql_add(b, "d.rowid IN (");
    if (b->has_presence) {
        device_sql_add(b,
                       "SELECT e.rowid FROM \"SyncHub_Presence\" AS p JOIN \"Devices\" AS e ON ");
        device_sql_add(b, b->terms->joined_mac);
        device_sql_add(b, " = p.mac WHERE p.node = ");
        device_sql_add_place(b, node);
    }
    device_sql_add(b, b->has_presence && sender ? " UNION " : "");
    if (sender) {
        device_sql_add(b, "SELECT e.rowid FROM \"Devices\" AS e WHERE ");
        device_sql_add(b, b->terms->node_folded.equals);
        device_sql_add_place(b, node);
        device_sql_add(b, b->terms->node_folded.end);
        device_sql_add(b, " AND e.\"devSyncHubNode\" = ");
        device_sql_add_place(b, node);
    }
    device_sql_add(b, b->has_presence || sender ? ")" : "SELECT $1)");
}

/* --- Conditions and order -------------------------------------------------------------------- */

/* By a function of this program. */
static void add_search_in_sqlite(device_sql *b, size_t sought)
{
    device_sql_add(b, "any_contains(");
    device_sql_add_place(b, sought);
    for (size_t i = 0; i < sizeof searched / sizeof searched[0] && b->err == SH_OK; i++)
        if (device_sql_has_column(b, searched[i]))
            b->err = sh_buf_append_format(b->sql, ", d.\"%s\"", searched[i]);
    device_sql_add(b, ")");
}

/*
 * As a condition on one text, for which an operator may have made an index (docs/operations.md):
 * so it is the same for all that is sought, but for letters that the index does not fold.
 */
static void add_search_in_postgres(device_sql *b, const char *text, size_t sought)
{
    const char *collation = "\"C\"";
    for (const char *at = text; *at != '\0'; at++)
        if ((unsigned char)*at >= 0x80)
            collation = "\"default\"";
    device_sql_add(b, "lower((");
    for (size_t i = 0; i < sizeof searched / sizeof searched[0] && b->err == SH_OK; i++)
        b->err = sh_buf_append_format(b->sql, "%scoalesce(d.\"%s\", '')",
                                      i == 0 ? "" : " || chr(31) || ", searched[i]);
    if (b->err == SH_OK)
        b->err = sh_buf_append_format(
            b->sql,
            ") COLLATE %s) LIKE '%%' || replace(replace(replace(lower($%zu COLLATE %s),"
            " '\\', '\\\\'), '%%', '\\%%'), '_', '\\_') || '%%'",
            collation, sought, collation);
}

static void add_search(device_sql *b, const char *text)
{
    size_t as_it_is = new_parameter(b, sh_slice_of(text));
    size_t as_mac = 0;
    if (sh_mac_read(sh_slice_of(text), &b->parameters->mac, NULL) == SH_OK &&
        b->parameters->mac.number != 0)
        as_mac = new_parameter(b, (sh_slice){b->parameters->mac.text, b->parameters->mac.len});
    add_condition(b);
    device_sql_add(b, "(");
    if (b->dialect == SCHEMA_SQLITE)
        add_search_in_sqlite(b, as_it_is);
    else
        add_search_in_postgres(b, text, as_it_is);
    if (as_mac > 0) {
        device_sql_add(b, " OR ");
        device_sql_add(b, b->terms->mac_folded.equals);
        device_sql_add_place(b, as_mac);
        device_sql_add(b, b->terms->mac_folded.end);
    }
    device_sql_add(b, ")");
}

static void add_key_of(device_sql *b, int64_t rowid)
{
    bool is_grouped = b->is_grouped;
    b->is_grouped = false;
    device_sql_add(b, "(SELECT ");
    (void)device_sql_add_key(b);
    device_sql_add(b, " FROM \"Devices\" AS d WHERE d.rowid = ");
    device_sql_add_number(b, rowid);
    device_sql_add(b, ")");
    b->is_grouped = is_grouped;
}

/* Those that come after the device `after` in the order of the query. */
static void add_after(device_sql *b, int64_t after)
{
    add_condition(b);
    if (b->query->sort == STORE_SORT_NONE) {
        device_sql_add(b, "d.rowid > ");
        device_sql_add_number(b, after);
        return;
    }
    for (int i = 0; i < 2; i++) {
        device_sql_add(b, i == 0 ? "(" : " OR ");
        (void)device_sql_add_key(b);
        device_sql_add(b, i == 1 ? " = " : b->query->descending ? " < " : " > ");
        add_key_of(b, after);
    }
    device_sql_add(b, " AND d.rowid > ");
    device_sql_add_number(b, after);
    device_sql_add(b, ")");
}

static void add_candidates(device_sql *b)
{
    add_condition(b);
    device_sql_add(b, "d.rowid IN ");
    device_sql_add(b, b->terms->in);
    device_sql_add_place(b, new_parameter(b, sh_slice_of(b->parameters->candidates)));
    device_sql_add(b, b->terms->in_end);
}

static void add_conditions(device_sql *b, size_t node)
{
    const store_device_query *query = b->query;
    b->joint = " WHERE ";
    if (node > 0) { /* first, because of its number */
        add_condition(b);
        add_node(b, node);
    }
    if (b->parameters->candidates != NULL)
        add_candidates(b);
    if (query->first_seen_ms > 0) {
        add_condition(b);
        device_sql_add_first_seen(b, query->first_seen_ms);
    }
    if (query->present != NULL) {
        add_condition(b);
        device_sql_add_present(b, query->present);
    }
    if (query->mac != NULL) {
        add_condition(b);
        device_sql_add(b, b->terms->mac_folded.equals);
        device_sql_add_place(b, new_parameter(b, (sh_slice){query->mac->text, query->mac->len}));
        device_sql_add(b, b->terms->mac_folded.end);
    }
    if (query->search != NULL)
        add_search(b, query->search);
    if (query->after > 0)
        add_after(b, query->after);
}

/* Columns of Devices sort case-insensitively; equal values by rowid. */
static void add_order(device_sql *b)
{
    device_sql_add(b, " ORDER BY ");
    if (device_sql_add_key(b)) /* rowids always ascend */
        device_sql_add(b, b->query->descending ? " DESC, " : ", ");
    device_sql_add(b, "d.rowid");
    if (b->query->limit > 0) {
        device_sql_add(b, " LIMIT ");
        device_sql_add_number(b, b->query->limit);
    }
}

/* --- The statements -------------------------------------------------------------------------- */

/* The columns that are read; `*` of the interface. */
static void add_columns(device_sql *b)
{
    device_sql_add(b, "SELECT d.rowid");
    for (size_t i = 0; i < b->column_count && b->err == SH_OK; i++)
        b->err = sh_buf_append_format(b->sql, ", d.\"%s\"", b->columns[i].name);
    if (b->has_presence) {
        device_sql_add(b, ", '', 0, 0, 0, coalesce(");
        device_sql_add_views(b, b->terms->node_views);
        device_sql_add(b, "), '')");
    } else { /* a NetAlertX's columns have the presence over all its nodes */
        device_sql_add(b, device_sql_has_column(b, "devPresentLastScan")
                              ? ", CASE d.\"devPresentLastScan\" WHEN 1 THEN 'yes' ELSE 'no' END"
                              : ", 'unknown'");
        device_sql_add(b, ", 0, ");
        device_sql_add_netalertx_first(b);
        device_sql_add(b, ", 0, ''");
    }
    device_sql_add(b, " FROM \"Devices\" AS d");
}

static device_sql begin_query(const store *s, schema_dialect dialect,
                              const store_device_query *query, sh_buf *sql,
                              device_query_parameters *ret)
{
    device_sql b = {.query = query,
                    .dialect = dialect,
                    .terms = &device_dialects[dialect],
                    .has_presence = store_has_presence(s),
                    .sql = sql,
                    .parameters = ret};
    b.columns = store_columns(s, &b.column_count);
    ret->count = 0;
    return b;
}

static bool has_index(store_sort sort)
{
    return sort == STORE_SORT_NONE || sort == STORE_SORT_MAC || sort == STORE_SORT_NODE;
}

bool device_query_is_in_two(schema_dialect dialect, const store_device_query *query)
{
    return dialect == SCHEMA_SQLITE || !has_index(query->sort);
}

/* Whether all devices are read before the first is known, and their presence with them. */
static bool needs_all_presence(const store *s, const store_device_query *query)
{
    bool by_index = query->node != NULL || query->mac != NULL || query->first_seen_ms > 0;
    bool by_presence = query->sort >= STORE_SORT_PRESENT;
    return store_has_presence(s) && !by_index && !has_index(query->sort) &&
           (by_presence || query->present != NULL);
}

sh_err device_query_build(const store *s, schema_dialect dialect, const store_device_query *query,
                          sh_buf *sql, device_query_parameters *parameters)
{
    device_sql b = begin_query(s, dialect, query, sql, parameters);
    b.is_grouped = parameters->candidates == NULL && needs_all_presence(s, query);
    device_sql_add(&b, b.is_grouped ? b.terms->with_presence : "");
    size_t node = query->node == NULL ? 0 : new_parameter(&b, sh_slice_of(query->node));
    if (device_query_is_in_two(dialect, query))
        device_sql_add(&b, "SELECT d.rowid FROM \"Devices\" AS d");
    else
        add_columns(&b);
    if (b.is_grouped)
        device_sql_add_grouped(&b);
    add_conditions(&b, node);
    add_order(&b);
    return b.err;
}

sh_err device_query_build_rows(const store *s, schema_dialect dialect,
                               const store_device_query *query, sh_buf *sql)
{
    device_query_parameters parameters = {.count = 0};
    device_sql b = begin_query(s, dialect, query, sql, &parameters);
    add_columns(&b);
    if (dialect == SCHEMA_SQLITE) {
        device_sql_add(&b, " WHERE d.rowid = $2");
        return b.err;
    }
    device_sql_add(&b, " JOIN unnest(");
    device_sql_add_place(&b, query->node != NULL ? 2 : 1);
    device_sql_add(&b, "::text::bigint[]) WITH ORDINALITY AS listed(id, place)"
                       " ON d.rowid = listed.id ORDER BY listed.place");
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
