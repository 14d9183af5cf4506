/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_BACKUP_CONTENTS_H
#define RECEIVER_BACKUP_CONTENTS_H

#include "libcommon/base/text.h"

#include <stdbool.h>

/* What a backup contains. Pure. */

/*
 * Whether the rows of a table are in a backup. In a database of NetAlertX, Devices and
 * Plugins_Objects are NetAlertX's: sqlite_backup_rows.c leaves them out, or finds our own.
 */
bool backup_contains_table(const char *table);

/* Whether a value of SyncHub_Meta is: not what belongs to one database, or to one backup. */
bool backup_contains_meta(sh_slice key);

/* The tables whose rows make a database one that a restore would overwrite; then NULL. */
extern const char *const backup_precious_tables[];

/* Values of SyncHub_Meta that only backups have begin with this. */
#define BACKUP_META "backup_"

#endif
