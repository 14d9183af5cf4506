/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/clock.h"
#include "libcommon/base/limits.h"
#include "libcommon/netalertx/table_scan.h"
#include "libcommon/os/file.h"
#include "libcommon/queue/queue.h"
#include "receiver/store/device_row.h"
#include "receiver/store/store.h"
#include "tests/bench/bench.h"
#include "tests/bench/rows.h"
#include "tests/wait.h"

#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Prepares benchmarks: tables in files and in the queue, databases of a given size. */

int bench_make_table(int argc, char *argv[])
{
    sh_error error = {0};
    sh_buf text = SH_BUF_INIT(SH_PLAIN_MAX);
    bench_table(bench_number(argc, argv, "first", "0"), bench_number(argc, argv, "devices", NULL),
                &text);
    bench_must(sh_file_write(bench_text(argc, argv, "out", NULL), (sh_slice){text.data, text.len},
                             0644, &error),
               &error);
    (void)printf("bytes=%zu\n", text.len);
    sh_buf_reset(&text);
    return 0;
}

/* Toggles the presence of each device whose number has this remainder by 100: of 1 %. */
static void flip_presence(sh_buf *text, size_t remainder)
{
    static const char key[] = "\"devPresentLastScan\": ";
    char *at = text->data;
    char *end = text->data + text->len;
    for (size_t i = 0; (at = memmem(at, (size_t)(end - at), key, sizeof key - 1)) != NULL; i++) {
        at += sizeof key - 1;
        if (i % 100 == remainder)
            *at = *at == '1' ? '0' : '1';
    }
}

/* Queues a table, with the credentials that are published now. */
static void queue_table(sh_queue *queue, sh_slice envelope, const sh_envelope_header *header)
{
    char version[SH_NODES_VERSION_BYTES];
    sh_error error = {0};
    bench_must(sh_queue_nodes_version(queue, version, &error), &error);
    sh_queue_put_item item = {
        .envelope = envelope, .header = header, .mode = "push", .nodes_version = version};
    sh_queue_put_each(queue, (sh_queue_put_item *[]){&item}, 1);
    bench_must(item.err, &item.error);
    if (item.put != SH_PUT_QUEUED)
        bench_die("a table was not queued: outcome %d", (int)item.put);
}

int bench_queue_tables(int argc, char *argv[])
{
    size_t tables = bench_number(argc, argv, "tables", NULL);
    size_t devices = bench_number(argc, argv, "devices", NULL);
    size_t first = bench_number(argc, argv, "first", "0");
    size_t first_node = bench_number(argc, argv, "node", "0");
    size_t flip = bench_number(argc, argv, "flip", "100");
    uint8_t key[SH_KEY_BYTES];
    sh_error error = {0};
    sh_queue *queue = NULL;
    bench_passphrase_key(key);
    bench_must(sh_queue_new(bench_text(argc, argv, "redis", NULL), "synchub", &queue, &error),
               &error);
    sh_buf text = SH_BUF_INIT(SH_PLAIN_MAX);
    sh_buf envelope = SH_BUF_INIT(SH_ENVELOPE_MAX);
    size_t bytes = 0;
    for (size_t i = 0; i < tables; i++) {
        char node[32];
        sh_envelope_header header;
        (void)snprintf(node, sizeof node, "bench-%03zu", first_node + i);
        sh_buf_clear(&text);
        sh_buf_clear(&envelope);
        bench_table(first + i * devices, devices, &text);
        if (flip < 100)
            flip_presence(&text, flip);
        /* A trailing space changes the digest, but not the rows. */
        bench_must(sh_buf_append_text(&text, bench_text(argc, argv, "end", "")), NULL);
        bench_seal(key, node, (sh_slice){text.data, text.len}, &header, &envelope);
        queue_table(queue, (sh_slice){envelope.data, envelope.len}, &header);
        bytes += envelope.len;
    }
    (void)printf("bytes=%zu\n", bytes);
    sh_buf_reset(&text);
    sh_buf_reset(&envelope);
    sh_queue_free(queue);
    return 0;
}

/*
 * Poll intervals before and after the first entry is read. Polling each millisecond while entries
 * are merged would take a seventh of a core.
 */
#define LOOK_BEFORE_US 1000
#define LOOK_AFTER_US 5000

/* Measures from the first read to the last acknowledgement, with a resolution of 5 ms. */
int bench_wait_merged(int argc, char *argv[])
{
    double seconds_max = (double)bench_number(argc, argv, "seconds", "60");
    sh_error error = {0};
    sh_queue *queue = NULL;
    sh_queue_depth depth;
    bench_must(sh_queue_new(bench_text(argc, argv, "redis", NULL), "synchub", &queue, &error),
               &error);
    double from = bench_now_s();
    for (bool read = false;;) {
        bench_must(sh_queue_depth_get(queue, &depth, &error), &error);
        if (depth.entries == 0)
            break;
        if (!read && depth.pending > 0) {
            read = true;
            from = bench_now_s();
        }
        if (bench_now_s() - from > seconds_max)
            bench_die("the queue still holds %" PRId64 " entries", depth.entries);
        poll_pause_us(read ? LOOK_AFTER_US : LOOK_BEFORE_US);
    }
    (void)printf("seconds=%.4f dead=%" PRId64 "\n", bench_now_s() - from, depth.dead);
    sh_queue_free(queue);
    return 0;
}

/* --- Databases
 * ------------------------------------------------------------------------------------ */

static void sql(sqlite3 *db, const char *text)
{
    if (sqlite3_exec(db, text, NULL, NULL, NULL) != SQLITE_OK)
        bench_die("%s: %s", text, sqlite3_errmsg(db));
}

/* Creates a database with the hub's schema and opens it without durability, for speed. */
static sqlite3 *open_fast(const char *path)
{
    sh_error error = {0};
    store *s = NULL;
    sqlite3 *db = NULL;
    bench_must(store_open(path, STORE_READ_WRITE, &s, &error), &error);
    store_close(s);
    if (sqlite3_open(path, &db) != SQLITE_OK)
        bench_die("%s cannot be opened", path);
    sql(db, "PRAGMA synchronous = OFF; PRAGMA cache_size = -262144; BEGIN");
    return db;
}

static int compare_macs(const void *a, const void *b)
{
    return memcmp(a, b, BENCH_MAC_BYTES);
}

/* Inserts in the order of the MACs, which builds the index fastest. */
int bench_fill_devices(int argc, char *argv[])
{
    size_t count = bench_number(argc, argv, "devices", NULL);
    sqlite3 *db = open_fast(bench_text(argc, argv, "db", NULL));
    bench_rows rows;
    bench_rows_read(0, 1, "bench-fill", &rows);
    sqlite3_stmt *insert = bench_rows_prepare(db);
    bench_rows_bind(insert, rows.rows[0]);
    char(*macs)[BENCH_MAC_BYTES] = calloc(count + 1, sizeof *macs);
    if (macs == NULL)
        bench_die("out of memory");
    for (size_t i = 0; i < count; i++)
        bench_mac(i, macs[i]);
    qsort(macs, count, sizeof *macs, compare_macs);
    for (size_t i = 0; i < count; i++) {
        (void)sqlite3_bind_text(insert, 1, macs[i], -1, SQLITE_STATIC); /* devMac comes first */
        if (sqlite3_step(insert) != SQLITE_DONE)
            bench_die("%s", sqlite3_errmsg(db));
        (void)sqlite3_reset(insert);
    }
    sql(db, "COMMIT; PRAGMA wal_checkpoint(TRUNCATE)");
    (void)sqlite3_finalize(insert);
    (void)sqlite3_close(db);
    bench_rows_reset(&rows);
    free(macs);
    return 0;
}

/* The digest of node n is its number in 32 digits, as in the load generator (requests.c). */
int bench_fill_nodes(int argc, char *argv[])
{
    sqlite3 *db = open_fast(bench_text(argc, argv, "db", NULL));
    char text[640];
    (void)snprintf(
        text, sizeof text,
        "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < %zu)"
        " INSERT INTO SyncHub_Nodes(node, mode, merged_ms, sent, inserted, known,"
        " skipped, set_aside, reason, digest)"
        " SELECT printf('node-%%07d', i), 'push', %" PRId64 ", 200, 200, 0, 0, 0, '',"
        " CAST(printf('%%032d', i) AS BLOB) FROM n",
        bench_number(argc, argv, "nodes", NULL), sh_clock_unix_ms());
    sql(db, text);
    sql(db, "COMMIT; PRAGMA wal_checkpoint(TRUNCATE)");
    (void)sqlite3_close(db);
    return 0;
}
