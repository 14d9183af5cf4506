/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/store/postgres/postgres_store.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/clock.h"

#include <poll.h>

/* COPY … FROM STDIN. */

#define FLUSH_MS 45000 /* in which the server must take what was sent */

static sh_err lose(store_postgres *s, sh_error *error)
{
    char message[256];
    store_postgres_message(s->conn, message, sizeof message);
    return store_postgres_lose(s, message[0] == '\0' ? "the connection ended" : message, error);
}

/* Waits until all is sent, so that it does not pile up in memory. */
static sh_err flush(store_postgres *s, sh_error *error)
{
    int64_t end_ms = sh_clock_monotonic_ms() + FLUSH_MS;
    for (int unsent; (unsent = PQflush(s->conn)) != 0;) {
        if (unsent < 0)
            return lose(s, error);
        if (!store_postgres_wait(s, s->conn, POLLIN | POLLOUT, end_ms))
            return store_postgres_lose(s, "it no longer answers", error);
        if (PQconsumeInput(s->conn) == 0)
            return lose(s, error);
    }
    return SH_OK;
}

/* The only result of the statement so far, good or bad, or the last one. */
static sh_err read_result(store_postgres *s, ExecStatusType good, bool *is_good, sh_error *error)
{
    SH_CLEANUP(store_postgres_clear) PGresult *result = NULL;
    sh_err err = store_postgres_next_result(s, &result, error);
    *is_good = err == SH_OK && PQresultStatus(result) == good;
    return err == SH_OK && !*is_good ? store_postgres_fail(s, result, "write to", error) : err;
}

static sh_err read_end(store_postgres *s, sh_error *error)
{
    SH_CLEANUP(store_postgres_clear) PGresult *none = NULL;
    sh_err err = store_postgres_next_result(s, &none, error);
    return err == SH_OK && none != NULL ? lose(s, error) : err;
}

sh_err store_postgres_copy_begin(store_postgres *s, const char *sql, sh_error *error)
{
    bool is_good = false;
    if (s->lost)
        return store_postgres_lose(s, "", error);
    if (PQsendQuery(s->conn, sql) == 0)
        return lose(s, error);
    sh_err err = read_result(s, PGRES_COPY_IN, &is_good, error);
    sh_err ended = is_good || s->lost ? SH_OK : read_end(s, error);
    return err == SH_OK ? ended : err;
}

sh_err store_postgres_copy_data(store_postgres *s, sh_slice data, sh_error *error)
{
    sh_err err = SH_OK;
    int put = PQputCopyData(s->conn, data.data, (int)data.len);
    if (put == 0) { /* no room before something is sent */
        err = flush(s, error);
        put = err == SH_OK ? PQputCopyData(s->conn, data.data, (int)data.len) : 0;
    }
    if (err == SH_OK && put != 1)
        return lose(s, error);
    return err == SH_OK ? flush(s, error) : err;
}

sh_err store_postgres_copy_end(store_postgres *s, sh_error *error)
{
    bool is_good = false;
    sh_err err = SH_OK;
    int put = PQputCopyEnd(s->conn, NULL);
    if (put == 0) {
        err = flush(s, error);
        put = err == SH_OK ? PQputCopyEnd(s->conn, NULL) : 0;
    }
    if (err == SH_OK && put != 1)
        return lose(s, error);
    if (err == SH_OK)
        err = read_result(s, PGRES_COMMAND_OK, &is_good, error);
    sh_err ended = s->lost ? SH_OK : read_end(s, error);
    return err == SH_OK ? ended : err;
}
