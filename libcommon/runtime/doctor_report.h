/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_DOCTOR_REPORT_H
#define SH_DOCTOR_REPORT_H

#include "libcommon/base/error.h"

#include <stdbool.h>
#include <stdio.h>

/* The results of the checks of a `doctor` subcommand, and their output. */

typedef enum {
    SH_CHECK_OK,
    SH_CHECK_WARNING, /* works, but an operator should change something */
    SH_CHECK_FAILED,  /* does not work */
    SH_CHECK_SKIPPED, /* not checked, because of another result or a setting */
} sh_check_status;

typedef struct sh_doctor_report sh_doctor_report;

/* SH_E_MEMORY. */
sh_err sh_doctor_report_new(sh_doctor_report **ret, sh_error *error);
void sh_doctor_report_free(sh_doctor_report *report); /* NULL is accepted */

/*
 * Adds a result; results are printed in this order. `check` names what was checked, in a word or a
 * few ("token", "device table"); detail and remedy are sentences without the final period, copied,
 * and never contain a secret. Every warning and failure needs a remedy; otherwise it may be NULL.
 * If memory is exhausted, the functions below fail.
 */
void sh_doctor_add(sh_doctor_report *report, sh_check_status status, const char *check,
                   const char *detail, const char *remedy);

/* Formats the detail; a longer one than SH_ERROR_MESSAGE_BYTES is truncated. */
void sh_doctor_add_format(sh_doctor_report *report, sh_check_status status, const char *check,
                          const char *remedy, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/*
 * Prints a line for each result (`FAIL     token: detail. Remedy: …`) and one with their numbers;
 * escapes control characters. SH_E_MEMORY, SH_E_IO.
 */
sh_err sh_doctor_print_text(const sh_doctor_report *report, FILE *out, sh_error *error);

/*
 * Prints `{"items":[{"check":…,"status":"ok|warning|failed|skipped","detail":…,"remedy":…}],
 * "next":null}`; remedy is null if there is none. SH_E_MEMORY, SH_E_IO.
 */
sh_err sh_doctor_print_json(const sh_doctor_report *report, FILE *out, sh_error *error);

/* The worst status; SH_CHECK_OK if there is none, and for skipped checks. */
sh_check_status sh_doctor_worst(const sh_doctor_report *report);

/* SH_EXIT_PROBLEMS after a warning or failure, SH_EXIT_FAILED without memory, or SH_EXIT_DONE. */
int sh_doctor_exit_code(const sh_doctor_report *report);

/*
 * Ends a subcommand: prints as JSON or text to stdout, and returns the exit code. Writes a failure
 * of that to stderr.
 */
int sh_doctor_finish(const sh_doctor_report *report, const char *program, bool json);

#endif
