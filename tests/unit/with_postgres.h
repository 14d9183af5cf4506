/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_WITH_POSTGRES_H
#define TESTS_WITH_POSTGRES_H

#include "tests/unit/temp.h"
#include "tests/unit/unit.h"
#include "tests/wait.h"

#include <fcntl.h>
#include <glob.h>
#include <grp.h>
#include <libpq-fe.h>
#include <pwd.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * A real PostgreSQL server of the test's own, on a Unix socket in a new folder; a missing one fails
 * the test. It refuses to run as root and then runs as postgres or nobody.
 */
typedef struct {
    pid_t pid;
    char folder[64];
    char programs[128]; /* the folder of initdb and postgres */
    int databases;      /* made so far */
    bool by_copy;       /* CREATE DATABASE must be asked to copy files, which costs least here */
} with_postgres;

static inline void postgres_find(with_postgres *p)
{
    glob_t found;
    if (glob("/usr/lib/postgresql/*/bin/initdb", 0, NULL, &found) != 0)
        fail_msg("PostgreSQL is not installed: apt-get install postgresql");
    const char *last = found.gl_pathv[found.gl_pathc - 1];
    (void)snprintf(p->programs, sizeof p->programs, "%.*s", (int)(strrchr(last, '/') - last), last);
    p->by_copy =
        strtol(last + strlen("/usr/lib/postgresql/"), NULL, 10) >= 15; /* others always do */
    globfree(&found);
}

static inline const struct passwd *postgres_user(void)
{
    const struct passwd *user = getpwnam("postgres");
    return user != NULL ? user : getpwnam("nobody");
}

/* In a child: becomes the server's user, quietly, and does not outlive a test that was killed. */
static inline void postgres_exec(const with_postgres *p, const char *program,
                                 const char *const argv[])
{
    const struct passwd *user = postgres_user();
    if (geteuid() == 0 &&
        (setgroups(0, NULL) != 0 || setgid(user->pw_gid) != 0 || setuid(user->pw_uid) != 0))
        _exit(126);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    int log = open("log", O_WRONLY | O_CREAT | O_APPEND, 0600);
    (void)dup2(log, 1);
    (void)dup2(log, 2);
    char path[256];
    (void)snprintf(path, sizeof path, "%s/%s", p->programs, program);
    execv(path, (char *const *)argv);
    _exit(127);
}

static inline pid_t postgres_spawn(const with_postgres *p, const char *program,
                                   const char *const argv[])
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (chdir(p->folder) != 0)
            _exit(125);
        postgres_exec(p, program, argv);
    }
    return pid;
}

/* Where the server is, as a connection string. */
static inline const char *postgres_place(const with_postgres *p, const char *database)
{
    static char place[200];
    (void)snprintf(place, sizeof place, "host=%s user=synchub dbname=%s", p->folder, database);
    return place;
}

static inline void postgres_launch(with_postgres *p)
{
    /* These tests do not test durability, and no query runs long enough to be worth compiling. */
    const char *const argv[] = {"postgres",
                                "-D",
                                "data",
                                "-k",
                                p->folder,
                                "-c",
                                "listen_addresses=",
                                "-c",
                                "fsync=off",
                                "-c",
                                "full_page_writes=off",
                                "-c",
                                "wal_level=minimal",
                                "-c",
                                "max_wal_senders=0",
                                "-c",
                                "autovacuum=off",
                                "-c",
                                "shared_buffers=16MB",
                                "-c",
                                "deadlock_timeout=100ms",
                                "-c",
                                "jit=off",
                                NULL};
    p->pid = postgres_spawn(p, "postgres", argv);
    for (int tries = 0; PQping(postgres_place(p, "postgres")) != PQPING_OK; tries++) {
        assert_true(tries < 1500);
        poll_pause_us(20000);
    }
}

/* Only the user `locked` needs a password. */
static inline void postgres_set_rules(const with_postgres *p)
{
    char path[96];
    (void)snprintf(path, sizeof path, "%s/data/pg_hba.conf", p->folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    (void)fputs("local all locked scram-sha-256\nlocal all all trust\n", file);
    assert_int_equal(fclose(file), 0);
}

/* Runs a command of the system, which must succeed. */
static inline void postgres_run(const char *const argv[])
{
    int status = -1;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        execvp(argv[0], (char *const *)argv);
        _exit(127);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (status != 0)
        fail_msg("%s %s failed", argv[0], argv[1]);
}

static inline void postgres_initdb(const with_postgres *p)
{
    /* Small segments of the log are quickly copied. */
    const char *const argv[] = {
        "initdb", "-D",   "data",     "-U",      "synchub",         "-A", "trust", "--no-sync",
        "-E",     "UTF8", "--locale", "C.UTF-8", "--wal-segsize=1", NULL};
    int status = -1;
    pid_t pid = postgres_spawn(p, "initdb", argv);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (status != 0)
        fail_msg("initdb failed, see %s/log", p->folder);
}

/*
 * Makes p->folder/data. Only the first test of a build runs initdb and leaves a copy of what it
 * made in the build's folder, which the others copy: that takes a third of the time.
 */
static inline void postgres_make_data(const with_postgres *p, const struct passwd *user)
{
    char template[512], lock_path[560], data[96], partial[560], owner[64];
    const char *version = strrchr(p->programs, '/') - 2; /* /usr/lib/postgresql/15/bin */
    (void)snprintf(template, sizeof template, "%s/tests/postgres-%.2s", BUILD_DIR, version);
    (void)snprintf(lock_path, sizeof lock_path, "%s.lock", template);
    (void)snprintf(partial, sizeof partial, "%s.partial", template);
    (void)snprintf(data, sizeof data, "%s/data", p->folder);
    int lock = open(lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_true(lock >= 0);
    assert_int_equal(flock(lock, LOCK_EX), 0);
    bool is_first = access(template, F_OK) != 0;
    if (is_first) {
        postgres_initdb(p);
        postgres_run((const char *const[]){"rm", "-rf", "--", partial, NULL});
        postgres_run((const char *const[]){"cp", "-R", "--", data, partial, NULL});
        assert_int_equal(rename(partial, template), 0);
    }
    (void)close(lock);
    if (is_first)
        return;
    (void)snprintf(owner, sizeof owner, "%u:%u", (unsigned)user->pw_uid, (unsigned)user->pw_gid);
    postgres_run((const char *const[]){"cp", "-R", "--", template, data, NULL});
    assert_int_equal(chmod(data, 0700), 0);
    if (geteuid() == 0)
        postgres_run((const char *const[]){"chown", "-R", owner, data, NULL});
}

static inline void postgres_start(with_postgres *p)
{
    *p = (with_postgres){.pid = 0};
    postgres_find(p);
    (void)snprintf(p->folder, sizeof p->folder, "%s/synchub-postgres-XXXXXX", temp_base_short());
    assert_non_null(mkdtemp(p->folder));
    const struct passwd *user = postgres_user();
    assert_non_null(user);
    if (geteuid() == 0)
        assert_int_equal(chown(p->folder, user->pw_uid, user->pw_gid), 0);
    postgres_make_data(p, user);
    postgres_set_rules(p);
    postgres_launch(p);
}

/* An orderly but quick end: connections are broken off. */
static inline void postgres_shut(with_postgres *p)
{
    if (p->pid <= 0)
        return;
    assert_int_equal(kill(p->pid, SIGINT), 0);
    assert_int_equal(waitpid(p->pid, NULL, 0), p->pid);
    p->pid = 0;
}

static inline void postgres_stop(with_postgres *p)
{
    postgres_shut(p);
    postgres_run((const char *const[]){"rm", "-rf", "--", p->folder, NULL});
}

/*
 * The test's own connection, kept for the next call: a new one costs the server a process. Another
 * place, a child, and a server that was started again need a new one.
 */
static inline PGconn *postgres_connection(const char *place, bool again)
{
    static PGconn *kept;
    static char kept_place[256];
    static pid_t owner;
    bool same = kept != NULL && owner == getpid() && strcmp(kept_place, place) == 0;
    if (same && !again)
        return kept;
    if (owner == getpid())
        PQfinish(kept);
    owner = getpid();
    (void)snprintf(kept_place, sizeof kept_place, "%s", place);
    kept = PQconnectdb(place);
    if (PQstatus(kept) != CONNECTION_OK)
        fail_msg("%s", PQerrorMessage(kept));
    return kept;
}

/* Sends SQL and returns its first result; NULL if the connection has ended. */
static inline PGresult *postgres_send(PGconn *conn, const char *text)
{
    PGresult *result = PQsendQuery(conn, text) == 0 ? NULL : PQgetResult(conn);
    if (PQresultStatus(result) != PGRES_FATAL_ERROR)
        return result;
    PGresult *next = PQgetResult(conn); /* notices the end of the connection */
    if (PQstatus(conn) == CONNECTION_OK)
        fail_msg("%s: %s", text, PQresultErrorMessage(result));
    PQclear(next);
    PQclear(result);
    return NULL;
}

/* Runs SQL with the test's own connection; returns the rows as `a|b;c|d;`. */
static inline const char *postgres_ask(const char *place, const char *text)
{
    static char trace[8192];
    PGconn *conn = postgres_connection(place, false);
    PGresult *result = postgres_send(conn, text);
    if (PQstatus(conn) != CONNECTION_OK) {
        conn = postgres_connection(place, true);
        result = postgres_send(conn, text);
    }
    size_t used = 0;
    trace[0] = '\0';
    for (; result != NULL; result = PQgetResult(conn)) {
        ExecStatusType status = PQresultStatus(result);
        if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
            fail_msg("%s: %s", text, PQresultErrorMessage(result));
        for (int row = 0; row < PQntuples(result); row++)
            for (int i = 0; i < PQnfields(result); i++) {
                used += (size_t)snprintf(trace + used, sizeof trace - used, "%s%s",
                                         PQgetisnull(result, row, i) ? "NULL"
                                                                     : PQgetvalue(result, row, i),
                                         i + 1 < PQnfields(result) ? "|" : ";");
                assert_true(used < sizeof trace);
            }
        PQclear(result);
    }
    if (PQtransactionStatus(conn) != PQTRANS_IDLE)
        fail_msg("%s: %s", text, PQerrorMessage(conn));
    PQclear(PQexec(conn, "RESET ALL")); /* what the SQL may have set */
    return trace;
}

/* Creates a new database and returns its URL. */
static inline void postgres_new_database(with_postgres *p, char *ret, size_t ret_bytes)
{
    char text[64];
    (void)snprintf(text, sizeof text, "CREATE DATABASE test_%d%s", ++p->databases,
                   p->by_copy ? " STRATEGY FILE_COPY" : "");
    (void)postgres_ask(postgres_place(p, "postgres"), text);
    (void)snprintf(ret, ret_bytes, "postgresql:///test_%d?host=%s&user=synchub", p->databases,
                   p->folder);
}

#endif
