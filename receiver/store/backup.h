/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_BACKUP_H
#define RECEIVER_BACKUP_H

#include "receiver/store/backup_rows.h"

/*
 * A backup is one file: an SQLite database with Sync Hub's tables and a digest of all rows. It can
 * be restored into any kind of database. Of a NetAlertX database it has only what is Sync Hub's.
 */

/*
 * Writes the database of SYNC_db, in one state, to the file path, mode 0600. Replaces a file only
 * if `replace`, else SH_E_EXISTS. A failure leaves path as it was.
 */
typedef struct {
    const char *db, *path;
    bool replace;
    const backup_progress *progress; /* NULL: none */
} backup_job;
sh_err backup_write(const backup_job *job, backup_summary *ret, sh_error *error);

/*
 * Checks the file (backup_check.h), and puts it into the database of SYNC_db, which must be empty
 * unless `replace` (SH_E_EXISTS). A failure, also a kill, leaves the database as it was. The
 * database gets a new id, so that receivers with another copy of it stop merging. No receiver may
 * merge into it meanwhile.
 */
sh_err backup_restore(const backup_job *job, backup_summary *ret, sh_error *error);

#endif
