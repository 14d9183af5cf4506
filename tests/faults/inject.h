/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_FAULTS_INJECT_H
#define TESTS_FAULTS_INJECT_H

#include "libcommon/base/error.h"

#include <stdbool.h>

/*
 * Faults in turn: what our code calls in libc, SQLite, hiredis and libcurl fails at its Nth call.
 * The linker gives those calls to us (--wrap); calls that the libraries make among themselves are
 * not touched. Threads count together; the kind is set while none of them runs.
 */
typedef enum {
    FAULT_ALLOC,         /* malloc and its kin give NULL */
    FAULT_READ,          /* read, stat and open: EIO */
    FAULT_WRITE,         /* write: half of it is written, then the disk is full */
    FAULT_FSYNC,         /* EIO */
    FAULT_RENAME,        /* EIO */
    FAULT_UNLINK,        /* EIO */
    FAULT_STEP_FULL,     /* sqlite3_step: SQLITE_FULL */
    FAULT_STEP_BUSY,     /* SQLITE_BUSY */
    FAULT_STEP_NOMEM,    /* SQLITE_NOMEM */
    FAULT_DB_WRITE,      /* SQLite's own write is torn, the disk is full */
    FAULT_DB_FSYNC,      /* SQLite's own fsync: EIO */
    FAULT_DB_TRUNCATE,   /* SQLite's own: EIO */
    FAULT_REDIS_REQUEST, /* a command or connection breaks before Redis has it */
    FAULT_REDIS_REPLY,   /* Redis did it, and its reply is lost */
    FAULT_REDIS_FULL,    /* Redis refuses the command: OOM */
    FAULT_HTTP_REQUEST,  /* the exchange does not begin */
    FAULT_HTTP_ANSWER,   /* the peer has the request, and its answer is lost */
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

/* One whole operation of ours. */
typedef struct {
    const char *name;
    unsigned kinds; /* FAULT_BIT()s that can meet it */
    void (*begin)(void);
    /* Does it. It must end all that it began, also where it fails; SH_OK, or an error with words.
     */
    sh_err (*act)(sh_error *error);
    void (*look)(void); /* after each try, failed or not, without faults; may be NULL */
    /* Time passes before the next try: leases run out; may be NULL. */
    void (*wait)(void);
    void (*end)(void); /* after a good try: all must be there, once */
} scenario;

/*
 * For each kind of fault, once and for good, and N = 1, 2, … until none fires: begin, act with the
 * fault, look, act without one (it must succeed), look, end. Prints how many N there were.
 */
void faults_in_turn(const scenario *s);

/* Whether what was logged since the last act holds a warning or an error; for act() itself. */
bool inject_was_told(void);

#endif
