/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/store/postgres/postgres_store.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/clock.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#define ASK_INTERVAL_MS 5000 /* interval of checking an idle connection */

#define BEGIN "BEGIN ISOLATION LEVEL READ COMMITTED"
#define GENERATION "SELECT value FROM \"SyncHub_Meta\" WHERE key = 'generation'"

/*
 * Each commit increments the generation. A restored backup has an earlier one than this process has
 * seen, even if server and connection are the same.
 */
static sh_err check_generation(store_postgres *s, const PGresult *result, sh_error *error)
{
    /* "", which is 0, for a NULL */
    int64_t generation = PQntuples(result) == 1 ? strtoll(PQgetvalue(result, 0, 0), NULL, 10) : 0;
    if (generation < s->generation)
        return sh_fail(
            error, SH_E_IO,
            "the PostgreSQL database %s (SYNC_db) was restored to an earlier state: nodes "
            "send their tables in full",
            s->place);
    s->generation = generation;
    return SH_OK;
}

/* Together, so that the server answers once. */
static sh_err begin_and_read(store_postgres *s, PGresult **ret, sh_error *error)
{
    const postgres_parameters none = {.count = 0};
    sh_err failed = SH_OK;
    sh_err err = store_postgres_pipeline_begin(s, error);
    if (err == SH_OK)
        err = store_postgres_pipeline_send_sql(s, BEGIN, error);
    if (err == SH_OK)
        err = store_postgres_pipeline_send(s, POSTGRES_BEGUN, &none, error);
    if (err == SH_OK)
        err = store_postgres_pipeline_end_sending(s, error);
    for (int i = 0; i < 2 && err == SH_OK; i++) {
        store_postgres_clear(ret);
        err = store_postgres_pipeline_next(s, ret, error);
        bool aborted = err == SH_OK && PQresultStatus(*ret) == PGRES_PIPELINE_ABORTED;
        if (err == SH_OK && !aborted && !store_postgres_is_good(*ret))
            failed = store_postgres_fail(s, *ret, "write to", error);
    }
    if (err == SH_OK)
        err = store_postgres_pipeline_end(s, error);
    return failed != SH_OK ? failed : err;
}

static sh_err begin_counted(store_postgres *s, sh_error *error)
{
    SH_CLEANUP(store_postgres_clear) PGresult *result = NULL;
    sh_err err = begin_and_read(s, &result, error);
    if (err == SH_OK)
        err = check_generation(s, result, error);
    if (err == SH_OK)
        store_postgres_known_begin(s, PQgetisnull(result, 0, 1) ? NULL : PQgetvalue(result, 0, 1));
    return err;
}

sh_err store_postgres_begin(store *base, sh_error *error)
{
    store_postgres *s = (store_postgres *)base;
    s->has_savepoint = false;
    sh_err err = s->counts_generations ? begin_counted(s, error)
                                       : store_postgres_exec(s, BEGIN, "write to", NULL, error);
    s->in_transaction = true;
    if (err != SH_OK)
        store_postgres_rollback(base);
    return err;
}

/*
 * COMMIT of a failed transaction succeeds, but rolls back. Update the generation last, so that
 * others wait for the lock on its row only during the commit.
 */
sh_err store_postgres_commit(store *base, sh_error *error)
{
    store_postgres *s = (store_postgres *)base;
    SH_CLEANUP(store_postgres_clear) PGresult *result = NULL;
    s->has_savepoint = false;
    sh_err err = store_postgres_exec(
        s,
        s->counts_generations ? "UPDATE \"SyncHub_Meta\" SET value = (value::bigint + 1)::text"
                                " WHERE key = 'generation'; COMMIT"
                              : "COMMIT",
        "write to", &result, error);
    bool committed = err == SH_OK && strcmp(PQcmdStatus(result), "COMMIT") == 0;
    store_postgres_known_end(s, committed);
    if (err != SH_OK)
        return err;
    s->in_transaction = false;
    if (!committed)
        return sh_fail(error, SH_E_IO,
                       "the PostgreSQL database %s (SYNC_db) rolled a transaction back", s->place);
    s->generation += s->counts_generations;
    return SH_OK;
}

void store_postgres_rollback(store *base)
{
    store_postgres *s = (store_postgres *)base;
    s->has_savepoint = false;
    store_postgres_known_end(s, false);
    if (s->in_transaction && !s->lost &&
        store_postgres_exec(s, "ROLLBACK", "write to", NULL, NULL) != SH_OK)
        s->lost = true;
    s->in_transaction = false;
}

sh_err store_postgres_savepoint(store *base, sh_error *error)
{
    store_postgres *s = (store_postgres *)base;
    sh_err err = store_postgres_exec(
        s, s->has_savepoint ? "RELEASE entry; SAVEPOINT entry" : "SAVEPOINT entry", "write to",
        NULL, error);
    s->has_savepoint = s->has_savepoint || err == SH_OK;
    return err;
}

sh_err store_postgres_undo_to_mark(store *base, sh_error *error)
{
    store_postgres *s = (store_postgres *)base;
    known_macs_clear(&s->known);
    return store_postgres_exec(s, "ROLLBACK TO entry", "write to", NULL, error);
}

/* Notices at once that the server closed the connection, and by a query that it vanished. */
sh_err store_postgres_check(store *base, sh_error *error)
{
    store_postgres *s = (store_postgres *)base;
    int64_t now_ms = sh_clock_monotonic_ms();
    if (now_ms - s->asked_ms >= ASK_INTERVAL_MS || s->lost) {
        SH_CLEANUP(store_postgres_clear) PGresult *result = NULL;
        s->asked_ms = now_ms;
        sh_err err = store_postgres_exec(s, GENERATION, "read", &result, error);
        return err == SH_OK ? check_generation(s, result, error) : err;
    }
    struct pollfd fd = {.fd = PQsocket(s->conn), .events = POLLIN};
    while (poll(&fd, 1, 0) > 0) { /* possibly a last message, then the end */
        if (PQconsumeInput(s->conn) == 0) {
            char message[300];
            store_postgres_message(s->conn, message, sizeof message);
            return store_postgres_lose(s, message, error);
        }
    }
    return SH_OK;
}
