/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/limits.h"
#include "libcommon/http/url.h"
#include "libcommon/netalertx/netalertx_cipher.h"
#include "receiver/store/store.h"
#include "tests/bench/bench.h"
#include "tests/bench/rows.h"

#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The minimum cost of the necessary operations, without a hub. */

/* --- XADD
 * ----------------------------------------------------------------------------------------- */

typedef struct {
    int port;
    size_t count;
    atomic_size_t next;
    sh_slice envelope;
    sh_slice wire; /* a NetAlertX payload to decrypt and seal before each XADD; empty: none */
    const uint8_t *passphrase_key;
} xadd_run;

/* Decrypts a NetAlertX payload, then compresses and seals it. */
static void open_and_seal(const xadd_run *run, sh_buf *text, sh_buf *envelope)
{
    sh_error error = {0};
    sh_node_key key;
    sh_envelope_header header = {.kind = SH_KIND_DEVICES, .parts = 1, .node = "bench"};
    sh_buf_clear(text);
    sh_buf_clear(envelope);
    bool valid;
    bench_must(sh_netalertx_decrypt(SH_SLICE(BENCH_PASSPHRASE), run->wire, text, &valid, &error),
               &error);
    sh_node_key_derive(run->passphrase_key, SH_SLICE("bench"), &key);
    bench_must(sh_envelope_seal(&header, &key, (sh_slice){text->data, text->len}, envelope, &error),
               &error);
}

static void *xadd_worker(void *context)
{
    xadd_run *run = context;
    sh_buf text = SH_BUF_INIT(SH_PLAIN_MAX);
    sh_buf envelope = SH_BUF_INIT(SH_ENVELOPE_MAX);
    redisContext *redis = redisConnect("127.0.0.1", run->port);
    if (redis == NULL || redis->err != 0)
        bench_die("no connection to Redis");
    while (atomic_fetch_add(&run->next, 1) < run->count) {
        sh_slice entry = run->envelope;
        if (run->wire.len > 0) {
            open_and_seal(run, &text, &envelope);
            entry = (sh_slice){envelope.data, envelope.len};
        }
        redisReply *reply =
            redisCommand(redis, "XADD bench:limit * e %b m push", entry.data, entry.len);
        if (reply == NULL || reply->type == REDIS_REPLY_ERROR)
            bench_die("XADD failed");
        freeReplyObject(reply);
    }
    redisFree(redis);
    sh_buf_reset(&text);
    sh_buf_reset(&envelope);
    return NULL;
}

static void xadd_clean(int port)
{
    redisContext *redis = redisConnect("127.0.0.1", port);
    if (redis == NULL || redis->err != 0)
        bench_die("no connection to Redis");
    freeReplyObject(redisCommand(redis, "DEL bench:limit"));
    redisFree(redis);
}

static int redis_port(const char *text)
{
    sh_error error = {0};
    sh_url url;
    bench_must(sh_url_read(sh_slice_of(text), &url, &error), &error);
    return url.port;
}

int bench_limit_xadd(int argc, char *argv[])
{
    size_t connections = bench_number(argc, argv, "connections", "16");
    bool opens = bench_number(argc, argv, "open", "0") != 0;
    uint8_t key[SH_KEY_BYTES];
    sh_error error = {0};
    sh_envelope_header header;
    sh_buf text = SH_BUF_INIT(SH_PLAIN_MAX);
    sh_buf envelope = SH_BUF_INIT(SH_ENVELOPE_MAX);
    sh_buf wire = SH_BUF_INIT(SH_NETALERTX_BODY_MAX);
    bench_passphrase_key(key);
    bench_table(0, bench_number(argc, argv, "devices", "200"), &text);
    sh_slice plain = {text.data, text.len};
    bench_seal(key, "bench", plain, &header, &envelope);
    if (opens)
        bench_must(sh_netalertx_encrypt(SH_SLICE(BENCH_PASSPHRASE), plain, NULL, &wire, &error),
                   &error);
    xadd_run run = {.port = redis_port(bench_text(argc, argv, "redis", NULL)),
                    .count = bench_number(argc, argv, "count", NULL),
                    .envelope = {envelope.data, envelope.len},
                    .wire = {wire.data, wire.len},
                    .passphrase_key = key};
    pthread_t *threads = calloc(connections, sizeof *threads);
    double from = bench_now_s();
    for (size_t i = 0; threads != NULL && i < connections; i++)
        if (pthread_create(&threads[i], NULL, xadd_worker, &run) != 0)
            bench_die("no thread");
    for (size_t i = 0; threads != NULL && i < connections; i++)
        (void)pthread_join(threads[i], NULL);
    double seconds = bench_now_s() - from;
    xadd_clean(run.port);
    (void)printf("rate=%.1f seconds=%.3f bytes=%zu\n", (double)run.count / seconds, seconds,
                 envelope.len);
    free(threads);
    sh_buf_reset(&text);
    sh_buf_reset(&envelope);
    sh_buf_reset(&wire);
    return 0;
}

/* --- Open and decompress
 * -------------------------------------------------------------------------- */

int bench_limit_open(int argc, char *argv[])
{
    size_t devices = bench_number(argc, argv, "devices", "10000");
    size_t tables = bench_number(argc, argv, "tables", "10");
    uint8_t key[SH_KEY_BYTES];
    sh_error error = {0};
    sh_envelope_header header;
    sh_node_key node;
    sh_buf text = SH_BUF_INIT(SH_PLAIN_MAX);
    sh_buf envelope = SH_BUF_INIT(SH_ENVELOPE_MAX);
    bench_passphrase_key(key);
    bench_table(0, devices, &text);
    bench_seal(key, "bench", (sh_slice){text.data, text.len}, &header, &envelope);
    sh_node_key_derive(key, SH_SLICE("bench"), &node);
    sh_slice sealed = {envelope.data, envelope.len};
    double from = bench_now_s();
    for (size_t i = 0; i < tables; i++) {
        sh_buf_clear(&text);
        bench_must(sh_envelope_peek(sealed, &header, &error), &error);
        bench_must(sh_envelope_open(sealed, &header, &node, &text, &error), &error);
    }
    double seconds = bench_now_s() - from;
    (void)printf("rate=%.0f seconds=%.4f bytes=%zu\n", (double)(devices * tables) / seconds,
                 seconds, text.len);
    sh_buf_reset(&text);
    sh_buf_reset(&envelope);
    return 0;
}

/* --- Insert
 * --------------------------------------------------------------------------------------- */

static void insert_presence(sqlite3_stmt *insert, const sh_device_row *row)
{
    const sh_mac *mac = sh_device_row_mac(row);
    (void)sqlite3_bind_text(insert, 1, mac->text, (int)mac->len, SQLITE_STATIC);
    if (sqlite3_step(insert) != SQLITE_DONE)
        bench_die("%s", sqlite3_errmsg(sqlite3_db_handle(insert)));
    (void)sqlite3_reset(insert);
}

static sqlite3_stmt *prepare_presence(sqlite3 *db)
{
    sqlite3_stmt *insert = NULL;
    if (sqlite3_prepare_v3(db,
                           "INSERT INTO SyncHub_Presence(node, mac, present, since_ms,"
                           " first_seen_ms, last_connection_ms, ip)"
                           " VALUES('bench', ?1, 1, 1787367180000, 1787367180000, 0, '10.0.0.1')",
                           -1, SQLITE_PREPARE_PERSISTENT, &insert, NULL) != SQLITE_OK)
        bench_die("%s", sqlite3_errmsg(db));
    return insert;
}

/*
 * The hub's schema and connection settings; rows parsed in advance; one transaction for each batch,
 * with the devices' presence.
 */
int bench_limit_insert(int argc, char *argv[])
{
    const char *path = bench_text(argc, argv, "db", NULL);
    size_t devices = bench_number(argc, argv, "devices", NULL);
    size_t transaction = bench_number(argc, argv, "transaction", NULL);
    sh_error error = {0};
    store *s = NULL;
    sqlite3 *db = NULL;
    bench_rows rows;
    bench_rows_read(bench_number(argc, argv, "first", "0"), devices, "bench", &rows);
    bench_must(store_open(path, STORE_READ_WRITE, &s, &error), &error);
    store_close(s);
    if (sqlite3_open(path, &db) != SQLITE_OK ||
        sqlite3_exec(db,
                     "PRAGMA synchronous = FULL; PRAGMA cache_size = -65536;"
                     "PRAGMA mmap_size = 0; PRAGMA journal_size_limit = 67108864",
                     NULL, NULL, NULL) != SQLITE_OK)
        bench_die("%s cannot be opened", path);
    (void)sqlite3_wal_autocheckpoint(db, 16384);
    sqlite3_stmt *insert = bench_rows_prepare(db);
    sqlite3_stmt *presence = prepare_presence(db);
    double from = bench_now_s();
    for (size_t i = 0; i < devices; i++) {
        if (i % transaction == 0)
            (void)sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
        bench_rows_bind(insert, rows.rows[i]);
        if (sqlite3_step(insert) != SQLITE_DONE)
            bench_die("%s", sqlite3_errmsg(db));
        (void)sqlite3_reset(insert);
        insert_presence(presence, rows.rows[i]);
        if ((i + 1) % transaction == 0 || i + 1 == devices)
            if (sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) != SQLITE_OK)
                bench_die("%s", sqlite3_errmsg(db));
    }
    double seconds = bench_now_s() - from;
    (void)printf("rate=%.0f seconds=%.4f\n", (double)devices / seconds, seconds);
    (void)sqlite3_finalize(presence);
    (void)sqlite3_finalize(insert);
    (void)sqlite3_close(db);
    bench_rows_reset(&rows);
    return 0;
}

/* --- fsync
 * ---------------------------------------------------------------------------------------- */

/* The cost of appending 4 KiB and fsync, as the journals of Redis and SQLite do. */
int bench_limit_fsync(int argc, char *argv[])
{
    size_t count = bench_number(argc, argv, "count", "200");
    const char *path = bench_text(argc, argv, "file", NULL);
    uint32_t *times = calloc(count, sizeof *times);
    char block[4096];
    int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
    if (fd < 0 || times == NULL)
        bench_die("%s cannot be written", path);
    memset(block, 'x', sizeof block);
    for (size_t i = 0; i < count; i++) {
        double from = bench_now_s();
        if (write(fd, block, sizeof block) != (ssize_t)sizeof block || fsync(fd) != 0)
            bench_die("%s cannot be written", path);
        times[i] = (uint32_t)((bench_now_s() - from) * 1e6);
    }
    (void)close(fd);
    (void)unlink(path);
    (void)printf("p50_us=%.0f p99_us=%.0f\n", bench_quantile(times, count, 0.5),
                 bench_quantile(times, count, 0.99));
    free(times);
    return 0;
}
