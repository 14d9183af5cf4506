/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include "libcommon/base/buffer.h"
#include "libcommon/base/text.h"
#include "libcommon/crypto/crypto.h"
#include "libcommon/native/envelope.h"

#include <stddef.h>
#include <stdint.h>

/*
 * Functions shared by the subcommands of synchub-bench. On an error the program exits with a
 * message (bench_die()). Results are printed as NAME=VALUE words on one line.
 */
#define BENCH_TOKEN "token-of-the-bench"
#define BENCH_PASSPHRASE "a passphrase of the bench"
#define BENCH_ROW_BYTES 2048 /* more than any generated row */

void bench_die(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
/* Exits if err is not SH_OK. */
void bench_must(sh_err err, const sh_error *error);

double bench_now_s(void); /* monotonic */

/* The value of the argument `NAME=…`, or fallback; exits if it is missing and fallback is NULL. */
const char *bench_text(int argc, char *argv[], const char *name, const char *fallback);
size_t bench_number(int argc, char *argv[], const char *name, const char *fallback);

/* --- Tables: device number n has the same MAC in every table and every run. ----------------- */

#define BENCH_MAC_BYTES 18
void bench_mac(uint64_t n, char ret[static BENCH_MAC_BYTES]);
/* Appends a table in NetAlertX's format with the devices first to first + count - 1. */
void bench_table(size_t first, size_t count, sh_buf *ret);

/* --- Envelopes -------------------------------------------------------------------------------- */

void bench_passphrase_key(uint8_t ret[static SH_KEY_BYTES]);
/* Seals a text of a node with a new id. */
void bench_seal(const uint8_t passphrase_key[static SH_KEY_BYTES], const char *node, sh_slice text,
                sh_envelope_header *header, sh_buf *ret);
/* Copies an envelope with a new id, without compressing it again. */
void bench_reseal(const uint8_t passphrase_key[static SH_KEY_BYTES], sh_slice envelope,
                  sh_buf *ret);

/* The quantile `part` (0 to 1) of values in microseconds. Sorts values. */
double bench_quantile(uint32_t *values, size_t count, double part);

/* --- Subcommands ------------------------------------------------------------------------------ */

int bench_make_table(int argc, char *argv[]);      /* writes a table into a file */
int bench_queue_tables(int argc, char *argv[]);    /* queues tables */
int bench_wait_merged(int argc, char *argv[]);     /* how long until the queue is empty */
int bench_fill_devices(int argc, char *argv[]);    /* creates a database of devices */
int bench_fill_nodes(int argc, char *argv[]);      /* creates a database with nodes */
int bench_limit_xadd(int argc, char *argv[]);      /* bare XADDs, with or without opening before */
int bench_limit_open(int argc, char *argv[]);      /* only open and decompress */
int bench_limit_insert(int argc, char *argv[]);    /* a bare loop of inserts */
int bench_limit_postgres(int argc, char *argv[]);  /* bare statements in libpq's pipeline mode */
int bench_limit_fsync(int argc, char *argv[]);     /* one fsync of a disk */
int bench_constant_server(int argc, char *argv[]); /* the HTTP server, answering a constant */
int bench_load(int argc, char *argv[]);            /* HTTP requests of many connections */
int bench_nodes(int argc, char *argv[]);           /* simulated nodes to be pulled */
int bench_latency(int argc, char *argv[]);         /* from a file's close to the committed row */
int bench_json_readers(int argc, char *argv[]);    /* MB/s of each reader of JSON */

#endif
