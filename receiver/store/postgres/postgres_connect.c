/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/store/postgres/postgres_store.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/clock.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* For one host, without name resolution; the URL's connect_timeout may set another value. */
#define CONNECT_S 5
#define CONNECT_S_MAX 60
#define VERSION_MIN 130000
#define HOST_BYTES 256
#define PORT_BYTES 16

/* The hosts in SYNC_db, each a comma-separated list or NULL. */
typedef struct {
    char *host, *hostaddr, *port;
} host_lists;

static void free_lists(host_lists *lists)
{
    free(lists->host);
    free(lists->hostaddr);
    free(lists->port);
}

static char **list_of(host_lists *lists, const char *keyword)
{
    if (strcmp(keyword, "host") == 0)
        return &lists->host;
    if (strcmp(keyword, "hostaddr") == 0)
        return &lists->hostaddr;
    return strcmp(keyword, "port") == 0 ? &lists->port : NULL;
}

/* libpq's message about a URL may repeat a part of the password, so do not use it. */
static sh_err read_lists(const char *url, host_lists *ret, sh_error *error)
{
    char *message = NULL;
    PQconninfoOption *options = PQconninfoParse(url, &message);
    PQfreemem(message);
    if (options == NULL)
        return sh_fail(error, SH_E_CONFIG,
                       "SYNC_db is not the URL of a PostgreSQL server: the form is "
                       "postgresql://USER:PASSWORD@HOST:PORT/DATABASE, with special characters in "
                       "it percent-encoded");
    bool good = true;
    for (const PQconninfoOption *option = options; option->keyword != NULL; option++) {
        char **list = option->val == NULL ? NULL : list_of(ret, option->keyword);
        if (list != NULL)
            good = (*list = strdup(option->val)) != NULL && good;
    }
    PQconninfoFree(options);
    return good ? SH_OK : sh_fail(error, SH_E_MEMORY, "out of memory while opening the database");
}

static size_t count_of(const char *list)
{
    size_t count = 1;
    for (const char *at = list; at != NULL && (at = strchr(at, ',')) != NULL; at++)
        count++;
    return count;
}

/* An element of a comma-separated list; a single one is for all. NULL if it is not set. */
static const char *element_of(const char *list, size_t index, char *ret, size_t ret_bytes)
{
    if (list == NULL)
        return NULL;
    if (count_of(list) == 1)
        index = 0;
    while (index-- > 0)
        list = strchr(list, ',') + 1;
    (void)snprintf(ret, ret_bytes, "%.*s", (int)strcspn(list, ","), list);
    return ret;
}

/* The SQLSTATE in libpq's verbose message about a failed connection, `FATAL: 28P01: …`, or "". */
static void read_state(const char *message, char ret[static 6])
{
    ret[0] = '\0';
    for (const char *at = message; (at = strstr(at, ":  ")) != NULL; at++) {
        size_t len = strspn(at + 3, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ");
        if (len == 5 && at[8] == ':') {
            memcpy(ret, at + 3, 5);
            ret[5] = '\0';
            return;
        }
    }
}

/* Joins libpq's lines about a failed connection, without locations in PostgreSQL's source. */
static void join_message(const char *message, char *ret, size_t ret_bytes)
{
    size_t used = 0;
    ret[0] = '\0';
    while (*message != '\0') {
        size_t len = strcspn(message, "\n");
        if (len > 0 && message[0] != '\t' && strncmp(message, "LOCATION:", 9) != 0 &&
            used < ret_bytes) {
            int wanted = snprintf(ret + used, ret_bytes - used, "%s%.*s", used == 0 ? "" : "; ",
                                  (int)len, message);
            used += wanted > 0 ? (size_t)wanted : 0;
        }
        message += len;
        message += *message == '\n';
    }
}

static sh_err explain(const PGconn *conn, sh_error *error)
{
    char state[6];
    char message[400];
    read_state(PQerrorMessage(conn), state);
    join_message(PQerrorMessage(conn), message, sizeof message);
    if (PQconnectionNeedsPassword(conn))
        return sh_fail(error, SH_E_CONFIG,
                       "SYNC_db has no password, but the server requires one: %s", message);
    if (strncmp(state, "28", 2) == 0)
        return sh_fail(error, SH_E_CONFIG, "check user and password in SYNC_db: %s", message);
    if (strcmp(state, "3D000") == 0)
        return sh_fail(error, SH_E_CONFIG, "create the database that SYNC_db names: %s", message);
    if (strcmp(state, "42501") == 0)
        return sh_fail(error, SH_E_CONFIG, "let the user of SYNC_db connect: %s", message);
    return sh_fail(error, SH_E_NETWORK, "the PostgreSQL server of SYNC_db is down: %s", message);
}

/* libpq applies connect_timeout only in blocking calls, which are not used here. */
static int connect_timeout_s(PGconn *conn)
{
    long timeout_s = 0;
    PQconninfoOption *options = PQconninfo(conn);
    for (const PQconninfoOption *o = options; o != NULL && o->keyword != NULL; o++)
        if (strcmp(o->keyword, "connect_timeout") == 0 && o->val != NULL)
            timeout_s = strtol(o->val, NULL, 10);
    PQconninfoFree(options);
    return timeout_s >= 1 && timeout_s <= CONNECT_S_MAX ? (int)timeout_s : CONNECT_S;
}

static sh_err finish_connecting(store_postgres *s, PGconn *conn, sh_error *error)
{
    int timeout_s = connect_timeout_s(conn);
    int64_t end_ms = sh_clock_monotonic_ms() + (int64_t)timeout_s * 1000;
    PostgresPollingStatusType state = PGRES_POLLING_WRITING;
    while (PQstatus(conn) != CONNECTION_BAD && state != PGRES_POLLING_OK &&
           state != PGRES_POLLING_FAILED) {
        if (!store_postgres_wait(s, conn, state == PGRES_POLLING_READING ? POLLIN : POLLOUT,
                                 end_ms))
            return sh_fail(error, SH_E_NETWORK,
                           "the PostgreSQL server of SYNC_db at %s (%s) port %s does not answer "
                           "within %d s",
                           PQhost(conn), PQhostaddr(conn), PQport(conn), timeout_s);
        state = PQconnectPoll(conn);
    }
    return PQstatus(conn) == CONNECTION_OK ? SH_OK : explain(conn, error);
}

/*
 * Options before dbname are defaults that the URL may override; those after it take precedence.
 * Keep-alives and the user time-out detect a vanished peer, also on an idle connection.
 */
static sh_err connect_one(store_postgres *s, const char *url, const char *host,
                          const char *hostaddr, const char *port, sh_error *error)
{
    const char *const keywords[] = {"keepalives_idle",
                                    "keepalives_interval",
                                    "keepalives_count",
                                    "tcp_user_timeout",
                                    "fallback_application_name",
                                    "target_session_attrs",
                                    "dbname",
                                    "client_encoding",
                                    "host",
                                    "hostaddr",
                                    "port",
                                    NULL};
    const char *const values[] = {"30",
                                  "10",
                                  "3",
                                  "30000",
                                  "synchub-receiver",
                                  s->read_only ? "any" : "read-write",
                                  url,
                                  "UTF8",
                                  host,
                                  hostaddr,
                                  port,
                                  NULL};
    PGconn *conn = PQconnectStartParams(keywords, values, 1);
    if (conn == NULL)
        return sh_fail(error, SH_E_MEMORY, "out of memory while opening the database");
    (void)PQsetErrorVerbosity(conn, PQERRORS_VERBOSE); /* for read_state() */
    sh_err err = finish_connecting(s, conn, error);
    if (err != SH_OK) {
        PQfinish(conn);
        return err;
    }
    (void)PQsetErrorVerbosity(conn, PQERRORS_DEFAULT);
    s->conn = conn;
    return SH_OK;
}

static void drop_notice(void *context, const PGresult *result)
{
    (void)context;
    (void)result;
}

static sh_err check_server(store_postgres *s, sh_error *error)
{
    (void)snprintf(s->place, sizeof s->place, "%s:%s/%s", PQhost(s->conn), PQport(s->conn),
                   PQdb(s->conn));
    (void)PQsetNoticeReceiver(s->conn, drop_notice, NULL);
    if (PQsetnonblocking(s->conn, 1) != 0)
        return store_postgres_lose(s, "the connection cannot be configured", error);
    if (PQserverVersion(s->conn) < VERSION_MIN)
        return sh_fail(error, SH_E_CONFIG,
                       "the PostgreSQL server %s (SYNC_db) is too old: version 13 or later is "
                       "needed",
                       s->place);
    const char *encoding = PQparameterStatus(s->conn, "server_encoding");
    if (encoding == NULL || strcmp(encoding, "UTF8") != 0)
        return sh_fail(error, SH_E_CONFIG,
                       "the database %s (SYNC_db) is not in UTF-8: create one by CREATE DATABASE … "
                       "ENCODING 'UTF8' TEMPLATE template0",
                       s->place);
    return SH_OK;
}

/* libpq tries several hosts only in blocking calls, so this function tries the hosts of the URL. */
sh_err store_postgres_connect(store_postgres *s, const char *url, sh_error *error)
{
    SH_CLEANUP(free_lists) host_lists lists = {0};
    sh_err err = read_lists(url, &lists, error);
    if (err != SH_OK)
        return err;
    size_t hosts = count_of(lists.hostaddr != NULL ? lists.hostaddr : lists.host);
    sh_error first = {.code = SH_OK};
    for (size_t i = 0; i < hosts && s->conn == NULL; i++) {
        char host[HOST_BYTES], hostaddr[HOST_BYTES], port[PORT_BYTES];
        sh_error one = {.code = SH_OK};
        err = connect_one(s, url, element_of(lists.host, i, host, sizeof host),
                          element_of(lists.hostaddr, i, hostaddr, sizeof hostaddr),
                          element_of(lists.port, i, port, sizeof port), &one);
        if (first.code == SH_OK ||
            first.code == SH_E_NETWORK) /* an error for the operator has precedence */
            first = err == SH_OK ? first : one;
    }
    if (s->conn == NULL)
        return sh_fail(error, first.code, "%s", first.message);
    return check_server(s, error);
}
