/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/limits.h"
#include "tests/bench/bench.h"
#include "tests/wait.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/*
 * Writes the tables of several nodes at once, each with one more device than before, and polls the
 * hub's database until the new rows are committed.
 */
#define NODES_MAX 64
#define ROUND_SECONDS_MAX 30.0

typedef struct {
    size_t nodes, devices, rounds;
    const char *folder; /* with a folder for each node */
    sqlite3 *db;
    sqlite3_stmt *find, *version;
    int64_t seen_version; /* version of the database at the last check */
    sh_buf texts[NODES_MAX];
    double closed[NODES_MAX];
    bool seen[NODES_MAX];
} latency_run;

static size_t first_of(size_t node)
{
    return 50000000 + node * 1000000;
}

static void write_table(latency_run *run, size_t node)
{
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/bench-%zu/table_devices.json", run->folder, node);
    int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0644);
    const sh_buf *text = &run->texts[node];
    if (fd < 0 || write(fd, text->data, text->len) != (ssize_t)text->len || close(fd) != 0)
        bench_die("%s cannot be written", path);
    run->closed[node] = bench_now_s();
    run->seen[node] = false;
}

static bool is_there(latency_run *run, size_t n)
{
    char mac[BENCH_MAC_BYTES];
    bench_mac(n, mac);
    (void)sqlite3_bind_text(run->find, 1, mac, -1, SQLITE_STATIC);
    int rc = sqlite3_step(run->find);
    (void)sqlite3_reset(run->find);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        bench_die("%s", sqlite3_errmsg(run->db));
    return rc == SQLITE_ROW;
}

/* Whether anything was committed since the last call; cheaper than searching the rows. */
static bool has_changed(latency_run *run)
{
    int rc = sqlite3_step(run->version);
    int64_t version = sqlite3_column_int64(run->version, 0);
    (void)sqlite3_reset(run->version);
    if (rc != SQLITE_ROW)
        bench_die("%s", sqlite3_errmsg(run->db));
    bool changed = version != run->seen_version;
    run->seen_version = version;
    return changed;
}

/* Runs one round and stores its latencies in times (may be NULL). */
static void run_round(latency_run *run, size_t round, uint32_t *times)
{
    size_t left = run->nodes;
    for (size_t i = 0; i < run->nodes; i++) { /* generate first, to write all at once */
        sh_buf_clear(&run->texts[i]);
        bench_table(first_of(i), run->devices + round, &run->texts[i]);
    }
    for (size_t i = 0; i < run->nodes; i++)
        write_table(run, i);
    while (left > 0) {
        bool changed = has_changed(run);
        for (size_t i = 0; changed && i < run->nodes; i++) {
            if (run->seen[i] || !is_there(run, first_of(i) + run->devices + round - 1))
                continue;
            double now = bench_now_s();
            run->seen[i] = true;
            left--;
            if (times != NULL)
                times[i] = (uint32_t)((now - run->closed[i]) * 1e6);
        }
        if (bench_now_s() - run->closed[run->nodes - 1] > ROUND_SECONDS_MAX)
            bench_die("after %.0f s %zu tables are not merged", ROUND_SECONDS_MAX, left);
        poll_pause_us(200);
    }
}

int bench_latency(int argc, char *argv[])
{
    latency_run run = {.nodes = bench_number(argc, argv, "nodes", "8"),
                       .devices = bench_number(argc, argv, "devices", "200"),
                       .rounds = bench_number(argc, argv, "rounds", NULL),
                       .folder = bench_text(argc, argv, "folder", NULL)};
    const char *path = bench_text(argc, argv, "db", NULL);
    if (run.nodes > NODES_MAX || sqlite3_open_v2(path, &run.db, SQLITE_OPEN_READONLY, NULL) != 0 ||
        sqlite3_prepare_v2(run.db, "SELECT 1 FROM Devices WHERE devMac = ?1", -1, &run.find,
                           NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(run.db, "PRAGMA data_version", -1, &run.version, NULL) != SQLITE_OK)
        bench_die("%s cannot be opened", path);
    (void)sqlite3_busy_timeout(run.db, 1000);
    for (size_t i = 0; i < run.nodes; i++)
        run.texts[i] = SH_BUF_INIT(SH_PLAIN_MAX);
    uint32_t *times = calloc(run.rounds * run.nodes + 1, sizeof *times);
    if (times == NULL)
        bench_die("out of memory");
    run_round(&run, 0, NULL); /* inserts all devices, so that each later round adds one */
    for (size_t i = 0; i < run.rounds; i++)
        run_round(&run, i + 1, times + i * run.nodes);
    size_t count = run.rounds * run.nodes;
    (void)printf("count=%zu p50_us=%.0f p99_us=%.0f max_us=%.0f\n", count,
                 bench_quantile(times, count, 0.5), bench_quantile(times, count, 0.99),
                 bench_quantile(times, count, 1.0));
    (void)sqlite3_finalize(run.find);
    (void)sqlite3_finalize(run.version);
    (void)sqlite3_close(run.db);
    for (size_t i = 0; i < run.nodes; i++)
        sh_buf_reset(&run.texts[i]);
    free(times);
    return 0;
}
