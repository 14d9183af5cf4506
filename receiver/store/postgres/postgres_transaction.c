/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/store/postgres/postgres_store.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/clock.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#define ASK_INTERVAL_MS 5000 /* interval of checking an idle connection */

#define GENERATION "SELECT value FROM \"SyncHub_Meta\" WHERE key = 'generation'"

/*
 * Each commit increments the generation. A restored backup has an earlier one than this process has
 * seen, even if server and connection are the same.
 */
static sh_err check_generation(store_postgres *s, const PGresult *result, sh_error *error)
{
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

sh_err store_postgres_begin(store *base, sh_error *error)
{
    store_postgres *s = (store_postgres *)base;
    SH_CLEANUP(store_postgres_clear) PGresult *result = NULL;
    s->has_savepoint = false;
    sh_err err = store_postgres_exec(s,
                                     s->counts_generations
                                         ? "BEGIN ISOLATION LEVEL READ COMMITTED;" GENERATION
                                         : "BEGIN ISOLATION LEVEL READ COMMITTED",
                                     "write to", &result, error);
    s->in_transaction = true;
    if (err == SH_OK && s->counts_generations)
        err = check_generation(s, result, error);
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
    if (err != SH_OK)
        return err;
    s->in_transaction = false;
    if (strcmp(PQcmdStatus(result), "COMMIT") != 0)
        return sh_fail(error, SH_E_IO,
                       "the PostgreSQL database %s (SYNC_db) rolled a transaction back", s->place);
    s->generation += s->counts_generations;
    return SH_OK;
}

void store_postgres_rollback(store *base)
{
    store_postgres *s = (store_postgres *)base;
    s->has_savepoint = false;
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
    return store_postgres_exec((store_postgres *)base, "ROLLBACK TO entry", "write to", NULL,
                               error);
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
