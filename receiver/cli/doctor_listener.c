/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/cli/doctor_checks.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/clock.h"
#include "libcommon/crypto/certificate.h"
#include "libcommon/os/file.h"
#include "libcommon/runtime/doctor_files.h"
#include "libcommon/runtime/healthcheck_command.h"

#include <inttypes.h>
#include <string.h>

#define PEM_MAX (256 * SH_KIB)
#define DAY_MS (24 * 3600 * INT64_C(1000))
#define SOON_MS (14 * DAY_MS)

static void add_end(doctor *d, const sh_certificate *certificate)
{
    int64_t now_ms = sh_clock_unix_ms();
    char end[SH_RFC3339_BYTES];
    sh_clock_rfc3339(certificate->end_ms, end);
    if (now_ms >= certificate->end_ms || now_ms < certificate->begin_ms)
        sh_doctor_add_format(d->report, SH_CHECK_FAILED, "certificate",
                             "renew it, and check this host's clock",
                             "that of %s is %s (it ends at %s)", certificate->names,
                             now_ms < certificate->begin_ms ? "not valid yet" : "expired", end);
    else
        sh_doctor_add_format(
            d->report, certificate->end_ms - now_ms < SOON_MS ? SH_CHECK_WARNING : SH_CHECK_OK,
            "certificate", certificate->end_ms - now_ms < SOON_MS ? "renew it" : NULL,
            "that of %s is valid until %s, for %" PRId64 " days", certificate->names, end,
            (certificate->end_ms - now_ms) / DAY_MS);
}

static void check_certificate(doctor *d)
{
    SH_CLEANUP(sh_buf_reset) sh_buf chain = SH_BUF_INIT(PEM_MAX);
    SH_CLEANUP(sh_buf_reset) sh_buf key = SH_BUF_INIT(PEM_MAX);
    sh_certificate certificate;
    sh_error error = {.code = SH_OK};
    if (d->settings->tls_cert[0] == '\0') {
        sh_doctor_add(d->report, SH_CHECK_SKIPPED, "certificate",
                      "this receiver serves plain HTTP (SYNC_tls_cert is not set)", NULL);
        return;
    }
    sh_err err = sh_file_read(d->settings->tls_cert, &chain, NULL, &error);
    if (err == SH_OK)
        err = sh_certificate_read((sh_slice){chain.data, chain.len}, &certificate, &error);
    if (err != SH_OK) {
        sh_doctor_add(d->report, SH_CHECK_FAILED, "certificate", error.message,
                      "SYNC_tls_cert must name a file with the certificate chain in PEM format");
        return;
    }
    add_end(d, &certificate);
    err = sh_file_read(d->settings->tls_key, &key, NULL, &error);
    if (err == SH_OK)
        err = sh_certificate_check_key((sh_slice){chain.data, chain.len},
                                       (sh_slice){key.data, key.len}, &error);
    if (err != SH_OK)
        sh_doctor_add(d->report, SH_CHECK_FAILED, "certificate's key", error.message,
                      "SYNC_tls_key must name the file with the certificate's private key");
    else
        sh_doctor_add(d->report, SH_CHECK_OK, "certificate's key", "it belongs to the certificate",
                      NULL);
    sh_buf_wipe(&key);
}

typedef struct {
    const char *check;
    sh_health_question question;
    sh_check_status absent; /* if nothing of ours answers there … */
    const char *remedy;     /* … what to do */
} listener;

static void check_listener(doctor *d, const listener *l)
{
    sh_error error = {.code = SH_OK};
    switch (sh_healthcheck(&l->question, &error)) {
    case SH_OK:
        sh_doctor_add_format(d->report, SH_CHECK_OK, l->check, NULL, "it is ready at %s",
                             l->question.listen);
        break;
    case SH_E_CONFIG:
        sh_doctor_add(d->report, SH_CHECK_SKIPPED, l->check, error.message, NULL);
        break;
    case SH_E_BUSY:
        sh_doctor_add(d->report, SH_CHECK_FAILED, l->check, error.message,
                      "fix what the receiver reports; its log has more");
        break;
    default:
        sh_doctor_add(d->report, l->absent, l->check, error.message, l->remedy);
        break;
    }
}

static void check_program(doctor *d)
{
    const sh_settings *settings = d->settings;
    const listener program = {
        .check = "receiver",
        .question = SH_HEALTH_OF_PROGRAM(settings->listen, settings->tls_cert),
        .absent = SH_CHECK_FAILED,
        .remedy = "start synchub-receiver, or set SYNC_listen to that of the running one",
    };
    if (settings->listen[0] == '\0')
        sh_doctor_add(d->report, SH_CHECK_SKIPPED, "receiver", "SYNC_listen is not set", NULL);
    else
        check_listener(d, &program);
}

/* A receiver whose console cannot listen at the default address works without one. */
static void check_console(doctor *d)
{
    const sh_settings *settings = d->settings;
    const listener console = {
        .check = "console",
        .question = {.listen = settings->console_listen,
                     .setting = "SYNC_console_listen",
                     .tls_cert = settings->tls_cert,
                     .path = "/api/v1/openapi.json",
                     .begins = SH_SLICE("{\n  \"openapi\"")},
        .absent = SH_CHECK_WARNING,
        .remedy = "start synchub-receiver; if it runs, another program uses this port: choose "
                  "another SYNC_console_listen",
    };
    if (settings->console_listen[0] == '\0')
        sh_doctor_add(d->report, SH_CHECK_SKIPPED, "console", "SYNC_console_listen is off", NULL);
    else
        check_listener(d, &console);
}

void doctor_check_listener(doctor *d)
{
    check_program(d);
    check_console(d);
    check_certificate(d);
    sh_doctor_check_modes(d->report, d->settings);
}
