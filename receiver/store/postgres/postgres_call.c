/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/store/postgres/postgres_store.h"

#include "libcommon/base/clock.h"
#include "libcommon/runtime/stop.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

/*
 * The server ends statements earlier (postgres_store.c), so a server without a reply for this time
 * counts as dead. When the program must stop, waits are much shorter.
 */
#define REPLY_MS 45000
#define STOP_MS 4000

bool store_postgres_wait(store_postgres *s, PGconn *conn, short events, int64_t end_ms)
{
    for (;;) {
        int64_t now_ms = sh_clock_monotonic_ms();
        bool stopping = sh_stop_requested();
        if (stopping && s->stop_ms == 0)
            s->stop_ms = now_ms;
        if (stopping && s->stop_ms + STOP_MS < end_ms)
            end_ms = s->stop_ms + STOP_MS;
        if (now_ms >= end_ms)
            return false;
        struct pollfd fds[] = {{.fd = PQsocket(conn), .events = events},
                               {.fd = stopping ? -1 : sh_stop_fd(), .events = POLLIN}};
        int ready = poll(fds, sizeof fds / sizeof fds[0], (int)(end_ms - now_ms));
        if (ready > 0 && fds[0].revents != 0)
            return true;
        if (ready < 0 && errno != EINTR)
            return false;
    }
}

/* --- Failures -------------------------------------------------------------------------------- */

void store_postgres_message(const PGconn *conn, char *ret, size_t ret_bytes)
{
    const char *message = PQerrorMessage(conn);
    (void)snprintf(ret, ret_bytes, "%.*s", (int)strcspn(message, "\n"), message);
}

sh_err store_postgres_lose(store_postgres *s, const char *why, sh_error *error)
{
    if (!s->lost)
        (void)snprintf(s->why, sizeof s->why, "%s", why);
    s->lost = true;
    return sh_fail(error, SH_E_NETWORK, "the PostgreSQL server %s (SYNC_db) is down: %s", s->place,
                   s->why);
}

static sh_err lose(store_postgres *s, sh_error *error)
{
    char message[300];
    store_postgres_message(s->conn, message, sizeof message);
    return store_postgres_lose(s, message[0] == '\0' ? "the connection ended" : message, error);
}

bool store_postgres_is_good(const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);
    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
}

static const char *state_of(const PGresult *result)
{
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    return state == NULL ? "" : state;
}

static bool is_of_class(const char *state, const char *class)
{
    return strncmp(state, class, 2) == 0;
}

bool store_postgres_is_of_row(const PGresult *result)
{
    const char *state = state_of(result);
    return is_of_class(state, "22") || is_of_class(state, "23") || is_of_class(state, "44") ||
           is_of_class(state, "54") || is_of_class(state, "P0");
}

/*
 * The primary message names constraint and column; only for bad data (class 22) it repeats the
 * value.
 */
void store_postgres_row_reason(const PGresult *result, char *ret, size_t ret_bytes)
{
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    if (message == NULL || is_of_class(state_of(result), "22"))
        (void)snprintf(ret, ret_bytes, "the database refuses it: a value does not fit (%s)",
                       state_of(result));
    else
        (void)snprintf(ret, ret_bytes, "the database refuses it: %.*s", (int)strcspn(message, "\n"),
                       message);
}

static sh_err code_of(const store_postgres *s, const char *state)
{
    static const struct {
        const char *state;
        sh_err code;
    } known[] = {
        {"25006", SH_E_NETWORK}, /* read-only: another server is the primary one now */
        {"25P03", SH_E_NETWORK}, /* this session was idle in a transaction for too long */
        {"40001", SH_E_BUSY},    /* serialization failure */
        {"40P01", SH_E_BUSY},    /* deadlock */
        {"53100", SH_E_IO},      /* disk full */
        {"55P03", SH_E_BUSY},    /* lock not available within lock_timeout */
        {"57014", SH_E_BUSY},    /* statement_timeout */
    };
    if (s->read_only && strcmp(state, "25006") == 0)
        return SH_E_IO;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strcmp(state, known[i].state) == 0)
            return known[i].code;
    }
    if (is_of_class(state, "08") || is_of_class(state, "57"))
        return SH_E_NETWORK;
    if (is_of_class(state, "53"))
        return SH_E_BUSY;
    if (is_of_class(state, "26") || is_of_class(state, "28") || is_of_class(state, "3F") ||
        is_of_class(state, "42"))
        return SH_E_CONFIG;
    return SH_E_IO;
}

/* Advice for the operator, if there is any. */
static const char *advice_for(const char *state)
{
    static const struct {
        const char *state, *advice;
    } known[] = {
        {"26000", ": name the server itself, or a pooler that pools by session"},
        {"42501", ": grant that to the user of SYNC_db, or let it own the database"},
        {"42P01", ": restore it, or drop all tables of Sync Hub to start again"},
        {"42703", ": was the table altered?"},
        {"53100", ": make room on its disk"},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strcmp(state, known[i].state) == 0)
            return known[i].advice;
    }
    return "";
}

sh_err store_postgres_fail(store_postgres *s, const PGresult *result, const char *doing,
                           sh_error *error)
{
    if (result == NULL || PQstatus(s->conn) == CONNECTION_BAD)
        return lose(s, error);
    const char *state = state_of(result);
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    if (message == NULL)
        return lose(s, error);
    sh_err code = code_of(s, state);
    if (code == SH_E_NETWORK)
        return store_postgres_lose(s, message, error);
    return sh_fail(error, code, "cannot %s the PostgreSQL database %s (SYNC_db): %.*s (%s)%s",
                   doing, s->place, (int)strcspn(message, "\n"), message, state, advice_for(state));
}

/* --- Parameters ------------------------------------------------------------------------------ */

static void add(postgres_parameters *p, const char *value, size_t len)
{
    assert(p->count < POSTGRES_PARAMETERS_MAX && len <= INT32_MAX);
    p->values[p->count] = value;
    p->lengths[p->count] = (int)len;
    p->formats[p->count] = 1;
    p->count++;
}

void store_postgres_add_text(postgres_parameters *p, sh_slice text)
{
    add(p, text.len == 0 ? "" : text.data, text.len);
}

void store_postgres_add_bytes(postgres_parameters *p, const uint8_t *bytes, size_t len)
{
    add(p, (const char *)bytes, len);
}

void store_postgres_add_integer(postgres_parameters *p, int64_t number)
{
    assert(p->count < POSTGRES_PARAMETERS_MAX);
    char *place = p->integers[p->count];
    uint64_t big_endian = htobe64((uint64_t)number);
    memcpy(place, &big_endian, sizeof big_endian);
    add(p, place, sizeof big_endian);
}

void store_postgres_add_integer_text(postgres_parameters *p, int64_t number)
{
    assert(p->count < POSTGRES_PARAMETERS_MAX);
    sh_slice text = number_of_integer(number, p->integers[p->count]);
    add(p, text.data, text.len);
}

void store_postgres_add_null(postgres_parameters *p)
{
    add(p, NULL, 0);
}

/* --- Requests and results -------------------------------------------------------------------- */

void store_postgres_clear(PGresult **result)
{
    PQclear(*result);
    *result = NULL;
}

sh_err store_postgres_next_result(store_postgres *s, PGresult **ret, sh_error *error)
{
    int64_t end_ms = sh_clock_monotonic_ms() + (s->reply_ms > 0 ? s->reply_ms : REPLY_MS);
    for (;;) {
        int unsent = PQflush(s->conn);
        if (unsent < 0)
            return lose(s, error);
        if (!PQisBusy(s->conn))
            break;
        if (!store_postgres_wait(s, s->conn, (short)(unsent > 0 ? POLLIN | POLLOUT : POLLIN),
                                 end_ms))
            return store_postgres_lose(s, "it no longer answers", error);
        if (PQconsumeInput(s->conn) == 0)
            return lose(s, error);
    }
    *ret = PQgetResult(s->conn);
    return SH_OK;
}

/* Reads all results of a request; *ret is the last good one, and the error is the first bad one. */
static sh_err end_query(store_postgres *s, const char *doing, PGresult **ret, sh_error *error)
{
    sh_err err = SH_OK;
    PGresult *kept = NULL;
    for (;;) {
        PGresult *result = NULL;
        sh_err waited = store_postgres_next_result(s, &result, error);
        if (waited != SH_OK || result == NULL) {
            err = err == SH_OK ? waited : err;
            break;
        }
        if (!store_postgres_is_good(result) && err == SH_OK)
            err = store_postgres_fail(s, result, doing, error);
        PQclear(kept);
        kept = result;
    }
    if (err == SH_OK && kept == NULL)
        err = lose(s, error);
    if (err == SH_OK && ret != NULL)
        *ret = kept;
    else
        PQclear(kept);
    return err;
}

static sh_err check_use(store_postgres *s, sh_error *error)
{
    return s->lost ? store_postgres_lose(s, "", error) : SH_OK;
}

/* Names of prepared statements belong to the session, which only we use. */
static void name_of(postgres_statement which, char ret[static 16])
{
    (void)snprintf(ret, 16, "synchub_%d", (int)which);
}

sh_err store_postgres_prepare(store_postgres *s, postgres_statement which, const char *sql,
                              const Oid types[], int count, sh_error *error)
{
    char name[16];
    name_of(which, name);
    if (check_use(s, error) != SH_OK || PQsendPrepare(s->conn, name, sql, count, types) == 0)
        return lose(s, error);
    return end_query(s, "use", NULL, error);
}

static sh_err send_prepared(store_postgres *s, postgres_statement which,
                            const postgres_parameters *p, sh_error *error)
{
    char name[16];
    name_of(which, name);
    if (check_use(s, error) != SH_OK ||
        PQsendQueryPrepared(s->conn, name, p->count, p->values, p->lengths, p->formats, 0) == 0)
        return lose(s, error);
    return SH_OK;
}

sh_err store_postgres_run(store_postgres *s, postgres_statement which, const postgres_parameters *p,
                          const char *doing, PGresult **ret, sh_error *error)
{
    if (s->read_only)
        return sh_fail(error, SH_E_IO,
                       "cannot %s the PostgreSQL database %s: it was opened for "
                       "reading",
                       doing, s->place);
    sh_err err = send_prepared(s, which, p, error);
    return err == SH_OK ? end_query(s, doing, ret, error) : err;
}

sh_err store_postgres_exec(store_postgres *s, const char *sql, const char *doing, PGresult **ret,
                           sh_error *error)
{
    if (check_use(s, error) != SH_OK || PQsendQuery(s->conn, sql) == 0)
        return lose(s, error);
    return end_query(s, doing, ret, error);
}

sh_err store_postgres_query(store_postgres *s, const char *sql, const postgres_parameters *p,
                            const char *doing, PGresult **ret, sh_error *error)
{
    if (check_use(s, error) != SH_OK ||
        PQsendQueryParams(s->conn, sql, p->count, NULL, p->values, p->lengths, p->formats, 0) == 0)
        return lose(s, error);
    return end_query(s, doing, ret, error);
}

/* --- Pipelines ------------------------------------------------------------------------------- */

sh_err store_postgres_pipeline_begin(store_postgres *s, sh_error *error)
{
    if (check_use(s, error) != SH_OK || PQenterPipelineMode(s->conn) == 0)
        return lose(s, error);
    return SH_OK;
}

sh_err store_postgres_pipeline_send(store_postgres *s, postgres_statement which,
                                    const postgres_parameters *p, sh_error *error)
{
    return send_prepared(s, which, p, error);
}

sh_err store_postgres_pipeline_send_sql(store_postgres *s, const char *sql, sh_error *error)
{
    if (check_use(s, error) != SH_OK ||
        PQsendQueryParams(s->conn, sql, 0, NULL, NULL, NULL, NULL, 0) == 0)
        return lose(s, error);
    return SH_OK;
}

sh_err store_postgres_pipeline_end_sending(store_postgres *s, sh_error *error)
{
    return PQpipelineSync(s->conn) == 0 ? lose(s, error) : SH_OK;
}

sh_err store_postgres_pipeline_next(store_postgres *s, PGresult **ret, sh_error *error)
{
    sh_err err = store_postgres_next_result(s, ret, error);
    if (err != SH_OK)
        return err;
    if (*ret == NULL || PQstatus(s->conn) == CONNECTION_BAD)
        return lose(s, error);
    PGresult *none = NULL; /* NULL ends each statement's results */
    err = store_postgres_next_result(s, &none, error);
    if (err == SH_OK && none != NULL)
        err = lose(s, error);
    PQclear(none);
    return err;
}

sh_err store_postgres_pipeline_end(store_postgres *s, sh_error *error)
{
    PGresult *sync = NULL;
    sh_err err = store_postgres_next_result(s, &sync, error);
    if (err == SH_OK &&
        (PQresultStatus(sync) != PGRES_PIPELINE_SYNC || PQexitPipelineMode(s->conn) == 0))
        err = lose(s, error);
    PQclear(sync);
    return err;
}
