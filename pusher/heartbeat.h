/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PUSHER_HEARTBEAT_H
#define PUSHER_HEARTBEAT_H

#include "libcommon/base/buffer.h"
#include "libcommon/base/error.h"
#include "libcommon/base/limits.h"
#include "libcommon/config/cron.h"
#include "libcommon/os/file.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * What a node reports to the hub about itself in each request: the interval of its contacts, which
 * instance it is, and problems on its side (PROTOCOL.md, section 3). Belongs to one thread.
 */

/* In the order of importance: a request reports the first of them. */
typedef enum {
    PROBLEM_TABLE,        /* cannot be read or sent */
    PROBLEM_SPOOL,        /* full or not writable, for results … */
    PROBLEM_STATE,        /* … or for what was pushed */
    PROBLEM_INTERMEDIARY, /* something between node and hub refuses pushes */
    PROBLEM_CLOCK,
    PROBLEM_RESULT,    /* a plugin result cannot be read */
    PROBLEM_TABLE_AGE, /* over SYNC_table_max_age */
    PROBLEM_SOURCES
} problem_source;

typedef struct {
    char kind[SH_PROBLEM_KIND_MAX + 1]; /* [a-z_]+; "": none */
    char text[SH_ERROR_MESSAGE_BYTES];
} heartbeat_problem;

typedef struct {
    const sh_cron *cron;                /* NULL: a single run, which has no interval */
    char instance[SH_INSTANCE_MAX + 1]; /* "": not known */
    heartbeat_problem problems[PROBLEM_SOURCES];
    char reported_kind[SH_PROBLEM_KIND_MAX + 1]; /* in the last contact; "": no problem */
    bool has_notice;                             /* the hub has a notice for this node */
} heartbeat;

void heartbeat_init(heartbeat *h, const sh_cron *cron);

void heartbeat_problem_set(heartbeat *h, problem_source source, const char *kind, const char *text);
void heartbeat_problem_clear(heartbeat *h, problem_source source);
/* The most important problem; its kind is "" if there is none. */
heartbeat_problem heartbeat_problem_current(const heartbeat *h);

/* Sets the problem of a table that could not be read, by the error of source_read(). */
void heartbeat_table_failed(heartbeat *h, const sh_error *error);
/*
 * Sets or clears PROBLEM_TABLE_AGE. A time in the future counts as unknown: the clock was set.
 * max_age_s 0: no limit.
 */
void heartbeat_table_age(heartbeat *h, const char *path, const sh_file_stamp *stamp,
                         int64_t max_age_s, int64_t now_ms);
/* Sets or clears PROBLEM_CLOCK by the hub's clock; hub_s is 0 if it is not known. */
void heartbeat_hub_clock(heartbeat *h, int64_t hub_s, int64_t now_ms);

/* Whether the hub does not know the current problem, or that there is none. */
bool heartbeat_has_changed(const heartbeat *h);
/* Records that the hub accepted a request with the problem of this kind, or "". */
void heartbeat_record_reported(heartbeat *h, const char *kind);

/* Seconds until the node's next contact, at most; 0 without a schedule. */
int64_t heartbeat_interval_s(const heartbeat *h, int64_t now_ms);

#define HEARTBEAT_HEADERS 3
#define HEARTBEAT_HEADER_MAX (3 * SH_PROBLEM_TEXT_MAX + 64)
/*
 * Writes the headers of a request to buffers of HEARTBEAT_HEADER_MAX bytes each; those that do not
 * apply stay empty, after the others. *kind is that of the reported problem.
 */
sh_err heartbeat_headers_write(const heartbeat *h, int64_t now_ms,
                               sh_buf headers[HEARTBEAT_HEADERS],
                               char kind[static SH_PROBLEM_KIND_MAX + 1]);

/*
 * Reads this node's instance id from dir/instance, which is created with a random one if it is
 * missing or invalid. SH_E_IO, SH_E_MEMORY.
 */
sh_err heartbeat_instance_load(const char *dir, char ret[static SH_INSTANCE_MAX + 1],
                               sh_error *error);
/* The same, but writes nothing; "" if there is none. */
void heartbeat_instance_read(const char *dir, char ret[static SH_INSTANCE_MAX + 1]);

#endif
