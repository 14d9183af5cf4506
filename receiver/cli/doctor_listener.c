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

static void check_running(doctor *d)
{
    sh_error error = {.code = SH_OK};
    if (d->settings->listen[0] == '\0') {
        sh_doctor_add(d->report, SH_CHECK_SKIPPED, "receiver", "SYNC_listen is not set", NULL);
        return;
    }
    switch (sh_healthcheck(d->settings->listen, d->settings->tls_cert, &error)) {
    case SH_OK:
        sh_doctor_add_format(d->report, SH_CHECK_OK, "receiver", NULL, "it is ready at %s",
                             d->settings->listen);
        break;
    case SH_E_CONFIG:
        sh_doctor_add(d->report, SH_CHECK_SKIPPED, "receiver", error.message, NULL);
        break;
    case SH_E_BUSY:
        sh_doctor_add(d->report, SH_CHECK_FAILED, "receiver", error.message,
                      "fix what the receiver reports; its log has more");
        break;
    default:
        sh_doctor_add(d->report, SH_CHECK_FAILED, "receiver", error.message,
                      "start synchub-receiver, or set SYNC_listen to that of the running one");
        break;
    }
}

void doctor_check_listener(doctor *d)
{
    check_running(d);
    check_certificate(d);
    sh_doctor_check_modes(d->report, d->settings);
}
