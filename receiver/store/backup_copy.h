/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_BACKUP_COPY_H
#define RECEIVER_BACKUP_COPY_H

#include "receiver/store/backup_contents.h"
#include "receiver/store/backup_file.h"

/* What writing, checking and restoring a backup share. */

/* Values of SyncHub_Meta that a backup has besides its rows. */
#define BACKUP_META_DIGEST BACKUP_META "digest"
#define BACKUP_META_GENERATION BACKUP_META "generation" /* when the digest was written */
#define BACKUP_META_OF BACKUP_META "of"                 /* `netalertx` */

#define BACKUP_PROGRESS_ROWS 10000 /* between two reports */
void backup_report(const backup_progress *progress, const char *table, int64_t rows);

/*
 * Adds the rows of a table to the same table of another database, both in a transaction. Columns
 * that only one of them has are left out, and what backup_contents.h excludes.
 */
typedef struct {
    store *from, *to;
    const backup_progress *progress;
} backup_copying;
sh_err backup_copy_table(const backup_copying *copying, const char *table, sh_error *error);

/* Digest of the schema and all rows of a file; counts rows. */
sh_err backup_digest(store *file, const backup_progress *progress, backup_summary *summary,
                     char ret[static SH_DIGEST_HEX_BYTES], sh_error *error);

/* Sets *ret to whether the database has anything that a restore would replace. */
sh_err backup_find_rows(store *s, bool *ret, sh_error *error);

#endif
