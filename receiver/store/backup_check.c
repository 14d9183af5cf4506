/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/store/backup_check.h"

#include "receiver/store/backup_copy.h"
#include "receiver/store/schema.h"

#include <string.h>

static sh_err check_version(store *file, const char *path, backup_summary *ret, sh_error *error)
{
    char text[STORE_META_BYTES];
    uint64_t version = 0;
    bool is_own = false, is_netalertx = false;
    sh_err err = backup_file_owner(file, &is_own, &is_netalertx, error);
    if (err != SH_OK)
        return err;
    if (!is_own)
        return sh_fail(error, SH_E_FORMAT, "%s is %s", path,
                       is_netalertx ? "a database of NetAlertX" : "not a database of Sync Hub");
    err = file->ops->meta_get(file, "schema_version", text, error);
    if (err != SH_OK)
        return err;
    if (!sh_text_to_u64(sh_slice_of(text), INT32_MAX, &version) || version == 0)
        return sh_fail(error, SH_E_FORMAT, "%s has no valid schema_version", path);
    if (version > schema_in_use->count)
        return sh_fail(error, SH_E_CONFIG,
                       "%s was made by a newer Sync Hub (its schema is %llu, this program knows "
                       "%zu): restore it with that version",
                       path, (unsigned long long)version, schema_in_use->count);
    ret->schema_version = (int)version;
    return SH_OK;
}

/* A file that was used as a database since has another generation, and its digest says nothing. */
static sh_err check_digest(store *file, const char *path, const backup_progress *progress,
                           backup_summary *ret, sh_error *error)
{
    char generation[STORE_META_BYTES], made[STORE_META_BYTES], noted[STORE_META_BYTES];
    char of[STORE_META_BYTES], digest[SH_DIGEST_HEX_BYTES];
    sh_err err = file->ops->meta_get(file, BACKUP_META_DIGEST, noted, error);
    if (err == SH_OK)
        err = file->ops->meta_get(file, BACKUP_META_GENERATION, made, error);
    if (err == SH_OK)
        err = file->ops->meta_get(file, BACKUP_META_OF, of, error);
    if (err == SH_OK)
        err = file->ops->meta_get(file, "generation", generation, error);
    if (err == SH_OK)
        err = backup_digest(file, progress, ret, digest, error);
    if (err != SH_OK)
        return err;
    ret->is_of_netalertx = of[0] != '\0';
    ret->has_digest = noted[0] != '\0' && strcmp(made, generation) == 0;
    if (ret->has_digest && strcmp(noted, digest) != 0)
        return sh_fail(error, SH_E_FORMAT,
                       "%s is damaged: its rows are not those that were written", path);
    return SH_OK;
}

sh_err backup_check_file(store *file, const char *path, const backup_progress *progress,
                         backup_summary *ret, sh_error *error)
{
    sh_error reason = {.code = SH_OK};
    *ret = (backup_summary){.devices = 0};
    sh_err err = check_version(file, path, ret, &reason);
    if (err == SH_OK)
        err = backup_file_check(file, &reason);
    if (err == SH_OK)
        err = check_digest(file, path, progress, ret, &reason);
    if (err == SH_OK || err == SH_E_MEMORY || err == SH_E_BUSY || err == SH_E_CONFIG)
        return err == SH_OK ? SH_OK : sh_fail(error, err, "%s", reason.message);
    return sh_fail(error, SH_E_FORMAT, "%s cannot be restored, and nothing was changed: %s", path,
                   reason.message);
}
