/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/store/store_location.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

/*
 * Numbers from statfs(2) and linux/magic.h. FUSE is not included: it may be remote, but local pools
 * of home servers and shares of desktop containers are also FUSE, and work.
 */
const char *store_place_network_name(unsigned long f_type)
{
    static const struct {
        uint32_t type;
        const char *name;
    } remote[] = {
        {0x6969, "NFS"},        {0x517b, "SMB"},          {0xff534d42, "CIFS"},
        {0xfe534d42, "SMB2"},   {0x01021997, "9P"},       {0x5346414f, "AFS"},
        {0x6b414653, "AFS"},    {0x73757245, "Coda"},     {0x00c36400, "Ceph"},
        {0x0bd00bd0, "Lustre"}, {0x7461636f, "OCFS2"},    {0x01161970, "GFS2"},
        {0x47504653, "GPFS"},   {0x564c, "NCP"},          {0x19830326, "BeeGFS"},
        {0xaad7aaea, "PanFS"},  {0x20030528, "OrangeFS"},
    };
    for (size_t i = 0; i < sizeof remote / sizeof remote[0]; i++) {
        if (remote[i].type == (uint32_t)f_type)
            return remote[i].name;
    }
    return NULL;
}

static sh_err check_file_system(const char *folder, sh_error *error)
{
    struct statfs fs;
    if (statfs(folder, &fs) != 0)
        return sh_fail(error, SH_E_IO, "cannot examine the folder %s of SYNC_db: %s", folder,
                       strerror(errno));
    const char *name = store_place_network_name((unsigned long)fs.f_type);
    if (name != NULL)
        return sh_fail(error, SH_E_CONFIG,
                       "SYNC_db is in %s on %s, a network file system, where an SQLite database "
                       "can be damaged: use a file on a local disk, or a PostgreSQL server",
                       folder, name);
    return SH_OK;
}

static sh_err check_folder(const char *folder, bool for_writing, sh_error *error)
{
    struct stat st;
    unsigned uid = (unsigned)geteuid();
    if (stat(folder, &st) != 0 && errno == ENOENT)
        return sh_fail(
            error, SH_E_IO,
            "the folder %s of SYNC_db does not exist: create it, writable for uid %u, or mount it",
            folder, uid);
    if (faccessat(AT_FDCWD, folder, X_OK, AT_EACCESS) != 0)
        return sh_fail(error, SH_E_IO, "the folder %s of SYNC_db cannot be entered by uid %u: %s",
                       folder, uid, strerror(errno));
    sh_err err = check_file_system(folder, error);
    if (err != SH_OK)
        return err;
    /* SQLite writes a journal beside the file, so the folder must be writable. */
    if (for_writing && faccessat(AT_FDCWD, folder, W_OK | X_OK, AT_EACCESS) != 0)
        return sh_fail(error, SH_E_IO,
                       errno == EROFS ? "the folder %s of SYNC_db is on a read-only file system: "
                                        "mount it writable (this program runs as uid %u)"
                                      : "the folder %s of SYNC_db cannot be written by uid %u: "
                                        "change its owner to that user, or run as its owner",
                       folder, uid);
    return SH_OK;
}

static sh_err check_file(const char *path, const struct stat *st, bool for_writing, sh_error *error)
{
    if (!S_ISREG(st->st_mode))
        return sh_fail(
            error, SH_E_CONFIG,
            "SYNC_db names %s, which is not a regular file: use a file, such as /data/synchub.db",
            path);
    if (faccessat(AT_FDCWD, path, for_writing ? R_OK | W_OK : R_OK, AT_EACCESS) != 0)
        return sh_fail(error, SH_E_IO, "the database %s (SYNC_db) cannot be %s by uid %u: %s", path,
                       for_writing ? "written" : "read", (unsigned)geteuid(), strerror(errno));
    return SH_OK;
}

/* The absolute path of a file that does not exist yet. */
static sh_err join_path(const char *folder, const char *path, char **ret, sh_error *error)
{
    SH_CLEANUP(sh_free_cleanup) char *absolute = realpath(folder, NULL);
    if (absolute == NULL)
        return sh_fail(error, SH_E_IO, "the folder %s of SYNC_db cannot be entered: %s", folder,
                       strerror(errno));
    const char *slash = strrchr(path, '/');
    *ret = sh_text_format("%s/%s", absolute, slash == NULL ? path : slash + 1);
    if (*ret == NULL)
        return sh_fail(error, SH_E_MEMORY, "out of memory while opening the database");
    return SH_OK;
}

static sh_err check_existing(const char *file, const struct stat *st, bool for_writing,
                             sh_error *error)
{
    char *copy = strdup(file);
    if (copy == NULL)
        return sh_fail(error, SH_E_MEMORY, "out of memory while opening the database");
    sh_err err = check_file(file, st, for_writing, error);
    if (err == SH_OK)
        err = check_folder(dirname(copy), for_writing, error);
    free(copy);
    return err;
}

static sh_err check_new(const char *path, bool for_writing, char **ret, sh_error *error)
{
    if (path[strlen(path) - 1] == '/')
        return sh_fail(error, SH_E_CONFIG, "SYNC_db names the folder %s: use a file in it", path);
    char *copy = strdup(path);
    if (copy == NULL)
        return sh_fail(error, SH_E_MEMORY, "out of memory while opening the database");
    const char *folder = dirname(copy);
    sh_err err = check_folder(folder, for_writing, error);
    if (err == SH_OK && !for_writing)
        err = sh_fail(
            error, SH_E_NOT_FOUND,
            "there is no database %s (SYNC_db) yet: the receiver creates it when it first runs",
            path);
    if (err == SH_OK)
        err = join_path(folder, path, ret, error);
    free(copy);
    return err;
}

/*
 * The returned path is absolute with links resolved: SQLite puts its journal beside the file, and
 * interprets names like ":memory:".
 */
sh_err store_place_check(const char *path, bool for_writing, char **ret, sh_error *error)
{
    if (path[0] == '\0')
        return sh_fail(error, SH_E_CONFIG,
                       "SYNC_db is empty: use a file, such as /data/synchub.db");
    struct stat st;
    if (stat(path, &st) != 0)
        return check_new(path, for_writing, ret, error);
    char *file = realpath(path, NULL);
    if (file == NULL)
        return sh_fail(error, SH_E_IO, "the database %s (SYNC_db) cannot be examined: %s", path,
                       strerror(errno));
    sh_err err = check_existing(file, &st, for_writing, error);
    if (err == SH_OK)
        *ret = file;
    else
        free(file);
    return err;
}

bool store_place_has_room(const char *path, uint64_t bytes)
{
    struct statvfs place;
    return statvfs(path, &place) == 0 && (uint64_t)place.f_bavail * place.f_frsize >= bytes;
}
