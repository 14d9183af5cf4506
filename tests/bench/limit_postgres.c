/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/limits.h"
#include "receiver/store/store.h"
#include "tests/bench/bench.h"
#include "tests/bench/rows.h"

#include <endian.h>
#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

/*
 * Bare libpq in pipeline mode, without a hub: inserts of devices and their presence, inserts of
 * devices that are there already, and look-ups of their MACs.
 */

#define PARAMETERS_MAX 64
#define AT_ONCE                                                                                    \
    1000 /* statements between two Syncs; so many more are sent before their results               \
          */
#define KEYS_AT_ONCE 1000
#define SQL_MAX (16 * SH_KIB)
#define TEXT_TYPE 25
#define BIGINT_TYPE 20

typedef struct {
    PGconn *conn;
    size_t sent, synced; /* since the last Sync; Syncs whose results are not read yet */
} pipeline;

typedef struct {
    int count;
    const char *values[PARAMETERS_MAX];
    int lengths[PARAMETERS_MAX], formats[PARAMETERS_MAX];
    uint64_t numbers[PARAMETERS_MAX];
} parameters;

static void die_of(const PGconn *conn)
{
    bench_die("PostgreSQL: %s", PQerrorMessage(conn));
}

static void add_text(parameters *p, const char *text, size_t len)
{
    p->values[p->count] = text;
    p->lengths[p->count] = (int)len;
    p->formats[p->count++] = 1;
}

static void add_number(parameters *p, int64_t number)
{
    p->numbers[p->count] = htobe64((uint64_t)number);
    add_text(p, (const char *)&p->numbers[p->count], sizeof p->numbers[0]);
}

/* --- The pipeline ---------------------------------------------------------------------------- */

/* Sends what waits and reads what arrived, until there is a result. */
static void wait_for_result(PGconn *conn)
{
    while (PQisBusy(conn) != 0) {
        int unsent = PQflush(conn);
        struct pollfd fd = {.fd = PQsocket(conn),
                            .events = (short)(unsent > 0 ? POLLIN | POLLOUT : POLLIN)};
        if (unsent < 0)
            die_of(conn);
        if (poll(&fd, 1, -1) < 0 || ((fd.revents & POLLIN) != 0 && PQconsumeInput(conn) == 0))
            die_of(conn);
    }
}

/* Reads results up to the next Sync's, which ends with a NULL for each statement. */
static void read_to_sync(pipeline *p)
{
    for (bool synced = false; !synced;) {
        wait_for_result(p->conn);
        PGresult *result = PQgetResult(p->conn);
        ExecStatusType status = result == NULL ? PGRES_COMMAND_OK : PQresultStatus(result);
        synced = status == PGRES_PIPELINE_SYNC;
        if (!synced && status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
            die_of(p->conn);
        PQclear(result);
    }
    p->synced--;
}

static void sync_now(pipeline *p)
{
    if (PQpipelineSync(p->conn) == 0 || PQflush(p->conn) < 0)
        die_of(p->conn);
    p->sent = 0;
    p->synced++;
}

static void send_statement(pipeline *p, const char *statement, const parameters *with)
{
    if (PQsendQueryPrepared(p->conn, statement, with->count, with->values, with->lengths,
                            with->formats, 0) == 0)
        die_of(p->conn);
    if (++p->sent < AT_ONCE)
        return;
    sync_now(p);
    while (p->synced > 1)
        read_to_sync(p);
}

static void send_sql(pipeline *p, const char *sql)
{
    if (PQsendQueryParams(p->conn, sql, 0, NULL, NULL, NULL, NULL, 0) == 0)
        die_of(p->conn);
}

/* A commit waits until it is durable, as the hub's does before it acknowledges. */
static void commit(pipeline *p)
{
    send_sql(p, "COMMIT");
    sync_now(p);
    while (p->synced > 0)
        read_to_sync(p);
}

/* --- Statements ------------------------------------------------------------------------------ */

static void prepare(PGconn *conn, const char *name, const char *sql, const Oid types[], int count)
{
    PGresult *result = PQprepare(conn, name, sql, count, types);
    if (PQresultStatus(result) != PGRES_COMMAND_OK)
        die_of(conn);
    PQclear(result);
}

static void prepare_device(PGconn *conn)
{
    sh_buf sql = SH_BUF_INIT(SQL_MAX);
    Oid types[PARAMETERS_MAX];
    bench_must(sh_buf_append_text(&sql, "INSERT INTO \"Devices\"("), NULL);
    for (size_t i = 0; i < sh_device_columns_count; i++) {
        types[i] =
            sh_device_columns[i].kind == SH_COLUMN_BOOLEAN ? (Oid)BIGINT_TYPE : (Oid)TEXT_TYPE;
        bench_must(
            sh_buf_append_format(&sql, "%s\"%s\"", i == 0 ? "" : ", ", sh_device_columns[i].name),
            NULL);
    }
    for (size_t i = 0; i < sh_device_columns_count; i++)
        bench_must(sh_buf_append_format(&sql, "%s$%zu", i == 0 ? ") VALUES(" : ", ", i + 1), NULL);
    bench_must(sh_buf_append_text(&sql, ") ON CONFLICT(lower(\"devMac\")) DO NOTHING"), NULL);
    prepare(conn, "device", sql.data, types, (int)sh_device_columns_count);
    sh_buf_reset(&sql);
}

static void prepare_all(PGconn *conn)
{
    static const Oid keys[] = {1009}; /* text[] */
    static const Oid mac[] = {TEXT_TYPE};
    prepare_device(conn);
    prepare(conn, "presence",
            "INSERT INTO \"SyncHub_Presence\"(node, mac, present, since_ms, first_seen_ms,"
            " last_connection_ms, ip)"
            " VALUES('bench', $1, 1, 1787367180000, 1787367180000, 0, '10.0.0.1')",
            mac, 1);
    prepare(conn, "find",
            "SELECT lower(\"devMac\") FROM \"Devices\" WHERE lower(\"devMac\") = ANY($1)", keys, 1);
}

static void send_device(pipeline *p, const sh_device_row *row)
{
    parameters with = {.count = 0};
    char numbers[PARAMETERS_MAX][24];
    for (size_t i = 0; i < sh_device_columns_count; i++) {
        sh_value value = sh_device_row_value(row, i);
        bool is_boolean = sh_device_columns[i].kind == SH_COLUMN_BOOLEAN;
        if (value.kind == SH_VALUE_TEXT)
            add_text(&with, value.text.len == 0 ? "" : value.text.data, value.text.len);
        else if (value.kind == SH_VALUE_NULL)
            add_text(&with, NULL, 0);
        else if (is_boolean)
            add_number(&with, value.integer);
        else
            add_text(
                &with, numbers[i],
                (size_t)snprintf(numbers[i], sizeof numbers[i], "%lld", (long long)value.integer));
    }
    send_statement(p, "device", &with);
}

static void send_presence(pipeline *p, const sh_device_row *row)
{
    parameters with = {.count = 0};
    const sh_mac *mac = sh_device_row_mac(row);
    add_text(&with, mac->text, mac->len);
    send_statement(p, "presence", &with);
}

/* A text array of the MACs, in its text form: they need no quotes. */
static void send_find(pipeline *p, const bench_rows *rows, size_t first, size_t count)
{
    parameters with = {.count = 0};
    sh_buf text = SH_BUF_INIT(SH_MIB);
    for (size_t i = 0; i < count; i++) {
        bench_must(sh_buf_append_text(&text, i == 0 ? "{" : ","), NULL);
        bench_must(sh_buf_append_text(&text, sh_device_row_mac(rows->rows[first + i])->text), NULL);
    }
    bench_must(sh_buf_append_text(&text, "}"), NULL);
    add_text(&with, text.data, text.len);
    with.formats[0] = 0;
    send_statement(p, "find", &with);
    sh_buf_reset(&text);
}

/* --- The runs -------------------------------------------------------------------------------- */

static void insert_all(pipeline *p, const bench_rows *rows, size_t transaction, bool presence)
{
    for (size_t i = 0; i < rows->count; i++) {
        if (i % transaction == 0)
            send_sql(p, "BEGIN");
        send_device(p, rows->rows[i]);
        if (presence)
            send_presence(p, rows->rows[i]);
        if ((i + 1) % transaction == 0 || i + 1 == rows->count)
            commit(p);
    }
}

static void find_all(pipeline *p, const bench_rows *rows)
{
    for (size_t i = 0; i < rows->count; i += KEYS_AT_ONCE) {
        size_t left = rows->count - i;
        send_find(p, rows, i, left < KEYS_AT_ONCE ? left : KEYS_AT_ONCE);
        sync_now(p);
        while (p->synced > 1)
            read_to_sync(p);
    }
    while (p->synced > 0)
        read_to_sync(p);
}

static double cpu_s(void)
{
    struct rusage used;
    (void)getrusage(RUSAGE_SELF, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

static PGconn *connect_to(const char *url)
{
    PGconn *conn = PQconnectdb(url);
    if (PQstatus(conn) != CONNECTION_OK)
        die_of(conn);
    PGresult *result = PQexec(conn, "SET enable_seqscan = off"); /* as the hub, for look-ups */
    if (PQresultStatus(result) != PGRES_COMMAND_OK)
        die_of(conn);
    PQclear(result);
    prepare_all(conn);
    if (PQsetnonblocking(conn, 1) != 0 || PQenterPipelineMode(conn) == 0)
        die_of(conn);
    return conn;
}

/* The hub's tables; rows parsed in advance. what: new, again, find. */
int bench_limit_postgres(int argc, char *argv[])
{
    const char *url = bench_text(argc, argv, "db", NULL);
    const char *what = bench_text(argc, argv, "what", NULL);
    size_t devices = bench_number(argc, argv, "devices", NULL);
    size_t transaction = bench_number(argc, argv, "transaction", NULL);
    sh_error error = {0};
    store *s = NULL;
    bench_rows rows;
    bench_rows_read(bench_number(argc, argv, "first", "0"), devices, "bench", &rows);
    bench_must(store_open(url, STORE_READ_WRITE, &s, &error), &error);
    store_close(s);
    pipeline p = {.conn = connect_to(url)};
    double cpu = cpu_s();
    double from = bench_now_s();
    if (strcmp(what, "find") == 0)
        find_all(&p, &rows);
    else
        insert_all(&p, &rows, transaction, strcmp(what, "new") == 0);
    double seconds = bench_now_s() - from;
    (void)printf("rate=%.0f seconds=%.4f cpu=%.4f\n", (double)devices / seconds, seconds,
                 cpu_s() - cpu);
    PQfinish(p.conn);
    bench_rows_reset(&rows);
    return 0;
}
