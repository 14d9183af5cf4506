/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/runtime/doctor_report.h"

#include "libcommon/base/buffer.h"
#include "libcommon/base/limits.h"
#include "libcommon/base/text_print.h"
#include "libcommon/json/json_write.h"
#include "libcommon/runtime/service.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define OUTPUT_MAX (4 * SH_MIB)

typedef struct {
    sh_check_status status;
    char *check, *detail, *remedy; /* remedy: NULL if there is none */
} result;

struct sh_doctor_report {
    result *results;
    size_t count, room;
    bool no_memory;
};

sh_err sh_doctor_report_new(sh_doctor_report **ret, sh_error *error)
{
    *ret = calloc(1, sizeof **ret);
    return *ret != NULL ? SH_OK : sh_fail(error, SH_E_MEMORY, "out of memory");
}

static void result_reset(result *r)
{
    free(r->check);
    free(r->detail);
    free(r->remedy);
}

void sh_doctor_report_free(sh_doctor_report *report)
{
    if (report == NULL)
        return;
    for (size_t i = 0; i < report->count; i++)
        result_reset(&report->results[i]);
    free(report->results);
    free(report);
}

/* Makes room for one more result. */
static bool grow(sh_doctor_report *report)
{
    if (report->count < report->room)
        return true;
    size_t room = report->room == 0 ? 16 : 2 * report->room;
    result *results = realloc(report->results, room * sizeof *results);
    if (results == NULL)
        return false;
    report->results = results;
    report->room = room;
    return true;
}

void sh_doctor_add(sh_doctor_report *report, sh_check_status status, const char *check,
                   const char *detail, const char *remedy)
{
    assert(remedy != NULL || status == SH_CHECK_OK || status == SH_CHECK_SKIPPED);
    result r = {.status = status,
                .check = strdup(check),
                .detail = strdup(detail),
                .remedy = remedy == NULL ? NULL : strdup(remedy)};
    bool copied = r.check != NULL && r.detail != NULL && (remedy == NULL || r.remedy != NULL);
    if (copied && grow(report)) {
        report->results[report->count++] = r;
        return;
    }
    result_reset(&r);
    report->no_memory = true;
}

void sh_doctor_add_format(sh_doctor_report *report, sh_check_status status, const char *check,
                          const char *remedy, const char *format, ...)
{
    char detail[SH_ERROR_MESSAGE_BYTES];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(detail, sizeof detail, format, args);
    va_end(args);
    if (len < 0)
        report->no_memory = true;
    else
        sh_doctor_add(report, status, check, detail, remedy);
}

/* --- Output ---------------------------------------------------------------------------------- */

static const char *const text_names[] = {[SH_CHECK_OK] = "ok",
                                         [SH_CHECK_WARNING] = "warning",
                                         [SH_CHECK_FAILED] = "FAIL",
                                         [SH_CHECK_SKIPPED] = "skipped"};
static const char *const json_names[] = {[SH_CHECK_OK] = "ok",
                                         [SH_CHECK_WARNING] = "warning",
                                         [SH_CHECK_FAILED] = "failed",
                                         [SH_CHECK_SKIPPED] = "skipped"};

static size_t count_of(const sh_doctor_report *report, sh_check_status status)
{
    size_t count = 0;
    for (size_t i = 0; i < report->count; i++)
        count += report->results[i].status == status ? 1 : 0;
    return count;
}

static sh_err append_line(sh_buf *text, const result *r)
{
    sh_err err = sh_buf_append_format(text, "%-7s  ", text_names[r->status]);
    if (err == SH_OK)
        err = sh_text_append_printable(text, sh_slice_of(r->check));
    if (err == SH_OK)
        err = sh_buf_append_text(text, ": ");
    if (err == SH_OK)
        err = sh_text_append_printable(text, sh_slice_of(r->detail));
    if (err == SH_OK && r->remedy != NULL)
        err = sh_buf_append_text(text, ". Remedy: ");
    if (err == SH_OK && r->remedy != NULL)
        err = sh_text_append_printable(text, sh_slice_of(r->remedy));
    return err == SH_OK ? sh_buf_append_text(text, "\n") : err;
}

static sh_err append_text(const sh_doctor_report *report, sh_buf *text)
{
    sh_err err = SH_OK;
    for (size_t i = 0; i < report->count && err == SH_OK; i++)
        err = append_line(text, &report->results[i]);
    if (err != SH_OK)
        return err;
    return sh_buf_append_format(text, "%zu checks: %zu failed, %zu warnings, %zu skipped\n",
                                report->count, count_of(report, SH_CHECK_FAILED),
                                count_of(report, SH_CHECK_WARNING),
                                count_of(report, SH_CHECK_SKIPPED));
}

static sh_err append_item(sh_buf *json, const result *r)
{
    sh_err err = sh_buf_append_text(json, "{");
    if (err == SH_OK)
        err = sh_json_write_member_text(json, "check", r->check);
    if (err == SH_OK)
        err = sh_json_write_member_text(json, "status", json_names[r->status]);
    if (err == SH_OK)
        err = sh_json_write_member_text(json, "detail", r->detail);
    if (err == SH_OK && r->remedy != NULL)
        err = sh_json_write_member_text(json, "remedy", r->remedy);
    else if (err == SH_OK)
        err = sh_buf_append_text(json, ",\"remedy\":null");
    return err == SH_OK ? sh_buf_append_text(json, "}") : err;
}

static sh_err append_json(const sh_doctor_report *report, sh_buf *json)
{
    sh_err err = sh_buf_append_text(json, "{\"items\":[");
    for (size_t i = 0; i < report->count && err == SH_OK; i++) {
        err = sh_buf_append_text(json, i == 0 ? "\n" : ",\n");
        if (err == SH_OK)
            err = append_item(json, &report->results[i]);
    }
    return err == SH_OK ? sh_buf_append_text(json, "],\"next\":null}\n") : err;
}

static sh_err print(const sh_doctor_report *report, bool as_json, FILE *out, sh_error *error)
{
    sh_buf text = SH_BUF_INIT(OUTPUT_MAX);
    sh_err err = report->no_memory ? SH_E_MEMORY
                 : as_json         ? append_json(report, &text)
                                   : append_text(report, &text);
    if (err != SH_OK)
        err = sh_fail(error, err, "no memory for the results");
    errno = 0;
    if (err == SH_OK && (fwrite(text.data, 1, text.len, out) != text.len || fflush(out) != 0))
        err = sh_fail(error, SH_E_IO, "the output could not be written: %s", strerror(errno));
    sh_buf_reset(&text);
    return err;
}

sh_err sh_doctor_print_text(const sh_doctor_report *report, FILE *out, sh_error *error)
{
    return print(report, false, out, error);
}

sh_err sh_doctor_print_json(const sh_doctor_report *report, FILE *out, sh_error *error)
{
    return print(report, true, out, error);
}

sh_check_status sh_doctor_worst(const sh_doctor_report *report)
{
    if (count_of(report, SH_CHECK_FAILED) > 0)
        return SH_CHECK_FAILED;
    return count_of(report, SH_CHECK_WARNING) > 0 ? SH_CHECK_WARNING : SH_CHECK_OK;
}

int sh_doctor_exit_code(const sh_doctor_report *report)
{
    if (report->no_memory)
        return SH_EXIT_FAILED;
    return sh_doctor_worst(report) == SH_CHECK_OK ? SH_EXIT_DONE : SH_EXIT_PROBLEMS;
}

int sh_doctor_finish(const sh_doctor_report *report, const char *program, bool json)
{
    sh_error error = {.code = SH_OK};
    if (print(report, json, stdout, &error) == SH_OK)
        return sh_doctor_exit_code(report);
    (void)fprintf(stderr, "%s doctor: %s\n", program, error.message);
    return SH_EXIT_FAILED;
}
