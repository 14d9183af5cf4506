/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/cli/doctor_checks.h"

#include "libcommon/base/clock.h"
#include "libcommon/runtime/doctor_clock.h"
#include "receiver/store/backup_file.h"
#include "receiver/store/store_location.h"

#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#define FREE_MIN (1024 * (int64_t)SH_MIB)
#define MIB(bytes) ((bytes) / (int64_t)SH_MIB)

/* A write transaction that changes nothing. */
static void check_lock(doctor *d)
{
    store *file = NULL;
    sh_error error = {.code = SH_OK};
    sh_err err = backup_file_open(d->settings->db, true, &file, &error);
    if (err == SH_OK)
        err = backup_file_run(file, "BEGIN IMMEDIATE; ROLLBACK", &error);
    store_close(file);
    if (err == SH_OK)
        sh_doctor_add(d->report, SH_CHECK_OK, "database lock", "it can be locked for writing",
                      NULL);
    else
        sh_doctor_add(
            d->report, SH_CHECK_FAILED, "database lock", error.message,
            "find the program that keeps it open (fuser FILE), or correct the file's owner");
}

/* The log can grow to 64 MiB, and a backup or an upgrade needs the size of the file. */
static void check_room(doctor *d)
{
    struct statvfs place;
    struct stat file;
    const char *db = d->settings->db;
    if (statvfs(db, &place) != 0 || stat(db, &file) != 0)
        return;
    int64_t room = (int64_t)place.f_bavail * (int64_t)place.f_frsize;
    int64_t size = (int64_t)file.st_size;
    bool enough = room >= FREE_MIN || room >= 2 * size + FREE_MIN / 8;
    sh_doctor_add_format(d->report, enough ? SH_CHECK_OK : SH_CHECK_WARNING, "disk",
                         enough ? NULL : "make room on that disk, or use a larger one",
                         "%" PRId64 " MiB are free beside the database of %" PRId64 " MiB",
                         MIB(room), MIB(size));
}

/* Opening it for writing checks the user's rights; it was not older before, so nothing changes. */
static void check_rights(doctor *d)
{
    store *writable = NULL;
    sh_error error = {.code = SH_OK};
    sh_err err = store_open(d->settings->db, STORE_READ_WRITE, &writable, &error);
    store_close(writable);
    if (err == SH_OK)
        sh_doctor_add(d->report, SH_CHECK_OK, "database rights", "its user may write", NULL);
    else
        sh_doctor_add(d->report, SH_CHECK_FAILED, "database rights", error.message,
                      "grant the user of SYNC_db all rights on Sync Hub's tables");
}

void doctor_check_database(doctor *d)
{
    sh_error error = {.code = SH_OK};
    char advice[STORE_ADVICE_BYTES] = "";
    int64_t clock_ms = 0;
    if (d->settings->role == SH_ROLE_INGEST) {
        sh_doctor_add(d->report, SH_CHECK_SKIPPED, "database",
                      "this receiver only ingests (SYNC_receiver_role)", NULL);
        return;
    }
    sh_err err = store_prepare(d->settings->db, &error);
    if (err == SH_OK)
        err = store_open(d->settings->db, STORE_READ_ONLY, &d->store, &error);
    if (err != SH_OK) {
        sh_doctor_add(d->report, SH_CHECK_FAILED, "database", error.message,
                      err == SH_E_NOT_FOUND ? "start the receiver, which creates it"
                                            : "fix what the message names, or correct SYNC_db");
        return;
    }
    sh_doctor_add(d->report, SH_CHECK_OK, "database", "it can be read, and its tables are current",
                  NULL);
    if (store_is_postgres(d->settings->db)) {
        check_rights(d);
    } else {
        check_lock(d);
        check_room(d);
    }
    store_advice(d->store, advice);
    if (advice[0] != '\0')
        sh_doctor_add(d->report, SH_CHECK_WARNING, "database connection", advice,
                      "add sslmode=verify-full to SYNC_db");
    int64_t before_ms = sh_clock_unix_ms();
    if (store_clock(d->store, &clock_ms, &error) == SH_OK && clock_ms > 0)
        sh_doctor_check_server_clock(d->report, "the database", clock_ms, before_ms);
}
