/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_FAULTS_INJECT_H
#define TESTS_FAULTS_INJECT_H

#include "libcommon/base/error.h"

#include <stdbool.h>

/*
 * Fault injection: the Nth call of our code into libc, SQLite, hiredis or libcurl fails. The linker
 * redirects these calls (--wrap); calls inside the libraries are not affected. The calls of all
 * threads are counted together; set the kind while no other thread runs.
 */
typedef enum {
    FAULT_ALLOC,         /* malloc, calloc, … return NULL */
    FAULT_READ,          /* read, stat and open: EIO */
    FAULT_WRITE,         /* write: a partial write, then ENOSPC */
    FAULT_FSYNC,         /* EIO */
    FAULT_RENAME,        /* EIO */
    FAULT_UNLINK,        /* EIO */
    FAULT_STEP_FULL,     /* sqlite3_step: SQLITE_FULL */
    FAULT_STEP_BUSY,     /* SQLITE_BUSY */
    FAULT_STEP_NOMEM,    /* SQLITE_NOMEM */
    FAULT_DB_WRITE,      /* SQLite's own write: a partial write, then ENOSPC */
    FAULT_DB_FSYNC,      /* SQLite's own fsync: EIO */
    FAULT_DB_TRUNCATE,   /* SQLite's own: EIO */
    FAULT_REDIS_REQUEST, /* the connection breaks before Redis receives the command */
    FAULT_REDIS_REPLY,   /* Redis executes the command, but its reply is lost */
    FAULT_REDIS_FULL,    /* Redis rejects the command: OOM */
    FAULT_HTTP_REQUEST,  /* the exchange does not start */
    FAULT_HTTP_ANSWER,   /* the peer receives the request, but its answer is lost */
    FAULT_KINDS
} fault;

#define FAULT_BIT(kind) (1U << (kind))
#define FAULTS_FILES                                                                               \
    (FAULT_BIT(FAULT_READ) | FAULT_BIT(FAULT_WRITE) | FAULT_BIT(FAULT_FSYNC) |                     \
     FAULT_BIT(FAULT_RENAME) | FAULT_BIT(FAULT_UNLINK))
#define FAULTS_SQLITE                                                                              \
    (FAULT_BIT(FAULT_STEP_FULL) | FAULT_BIT(FAULT_STEP_BUSY) | FAULT_BIT(FAULT_STEP_NOMEM) |       \
     FAULT_BIT(FAULT_DB_WRITE) | FAULT_BIT(FAULT_DB_FSYNC) | FAULT_BIT(FAULT_DB_TRUNCATE))
#define FAULTS_REDIS                                                                               \
    (FAULT_BIT(FAULT_REDIS_REQUEST) | FAULT_BIT(FAULT_REDIS_REPLY) | FAULT_BIT(FAULT_REDIS_FULL))
#define FAULTS_HTTP (FAULT_BIT(FAULT_HTTP_REQUEST) | FAULT_BIT(FAULT_HTTP_ANSWER))

/* One complete operation under test. */
typedef struct {
    const char *name;
    unsigned kinds; /* FAULT_BIT()s that can occur in it */
    void (*begin)(void);
    /* Executes it and releases everything, also after a failure. SH_OK, or an error with a message.
     */
    sh_err (*act)(sh_error *error);
    void (*check)(void); /* checks invariants after each attempt, without faults; may be NULL */
    /* Lets time pass before the next attempt, so that leases expire; may be NULL. */
    void (*wait)(void);
    void (*end)(void); /* after a successful attempt: checks that everything exists once */
} scenario;

/*
 * For each kind of fault, transient and permanent, and N = 1, 2, … until the fault does not fire:
 * begin, act with the fault, check, act without it (which must succeed), check, end. Prints the
 * number of faults.
 */
void faults_in_turn(const scenario *s);

/* Whether a warning or an error was logged since the last act started; for act(). */
bool inject_has_logged(void);

#endif
