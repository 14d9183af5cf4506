/* SPDX-License-Identifier: Apache-2.0 */
#include "pusher/spool_refused.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/clock.h"
#include "libcommon/os/file.h"
#include "pusher/spool_file.h"

#include <dirent.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define REASON_SUFFIX ".reason"

/* The path of an item's reason. */
static sh_err reason_path(const char *dir, const char *name, char ret[static PATH_MAX],
                          sh_error *error)
{
    int stem = (int)(strlen(name) - strlen(SPOOL_ITEM_SUFFIX));
    int len = snprintf(ret, PATH_MAX, "%s/%.*s" REASON_SUFFIX, dir, stem, name);
    if (len < 0 || len >= PATH_MAX)
        return sh_fail(error, SH_E_IO, "%s: the path is too long", dir);
    return SH_OK;
}

sh_err spool_refused_add(const char *waiting_dir, const char *refused_dir, const char *name,
                         const char *reason, sh_error *error)
{
    char from[PATH_MAX], to[PATH_MAX], why[PATH_MAX];
    SH_CLEANUP(sh_buf_reset) sh_buf line = SH_BUF_INIT(SH_SPOOL_REASON_MAX + 32);
    sh_err err = spool_path(waiting_dir, name, from, error);
    if (err == SH_OK)
        err = spool_path(refused_dir, name, to, error);
    if (err == SH_OK)
        err = reason_path(refused_dir, name, why, error);
    if (err != SH_OK)
        return err;
    if (sh_buf_append_format(&line, "%" PRId64 " %.*s\n", sh_clock_unix_ms(),
                             SH_SPOOL_REASON_MAX - 1, reason) != SH_OK)
        return sh_fail(error, SH_E_MEMORY, "%s: no memory to write it", why);
    /* Write the reason first: after a crash in between it has no item and is deleted. */
    err = sh_file_write(why, (sh_slice){line.data, line.len}, 0600, error);
    if (err != SH_OK)
        return err;
    sh_error failed = {.code = SH_OK};
    err = sh_file_move(from, to, &failed);
    if (err == SH_OK)
        return SH_OK;
    (void)unlink(why);
    return err == SH_E_NOT_FOUND ? SH_OK : sh_fail(error, err, "%s", failed.message);
}

sh_err spool_refused_forget(const char *refused_dir, const char *name, sh_error *error)
{
    char why[PATH_MAX];
    sh_err err = reason_path(refused_dir, name, why, error);
    return err == SH_OK ? sh_file_remove(why, error) : err;
}

void spool_refused_reason(const char *refused_dir, const char *name, int64_t *unix_ms,
                          char reason[static SH_SPOOL_REASON_MAX])
{
    char why[PATH_MAX];
    SH_CLEANUP(sh_buf_reset) sh_buf line = SH_BUF_INIT(SH_SPOOL_REASON_MAX + 32);
    *unix_ms = 0;
    reason[0] = '\0';
    if (reason_path(refused_dir, name, why, NULL) != SH_OK ||
        sh_file_read_own(why, &line, NULL) != SH_OK || line.len == 0)
        return;
    const char *space = memchr(line.data, ' ', line.len);
    if (space == NULL)
        return;
    *unix_ms = strtoll(line.data, NULL, 10);
    sh_slice message = sh_slice_trim(
        (sh_slice){space + 1, line.len - (size_t)(space + 1 - (const char *)line.data)});
    (void)snprintf(reason, SH_SPOOL_REASON_MAX, "%.*s", (int)message.len, message.data);
}

static int is_item(const struct dirent *e)
{
    return spool_is_item_name(e->d_name);
}

static int is_reason(const struct dirent *e)
{
    size_t len = strlen(e->d_name), suffix = strlen(REASON_SUFFIX);
    return len > suffix && len < SPOOL_NAME_BYTES &&
           strcmp(e->d_name + len - suffix, REASON_SUFFIX) == 0;
}

static void delete_item(const char *dir, const char *name, spool_notice notice)
{
    char path[PATH_MAX], sentence[SH_ERROR_MESSAGE_BYTES];
    if (spool_path(dir, name, path, NULL) != SH_OK)
        return;
    (void)unlink(path);
    (void)spool_refused_forget(dir, name, NULL);
    (void)snprintf(sentence, sizeof sentence,
                   "%.300s was deleted: only the newest refused items are kept, %d of them and %lu "
                   "bytes; see `synchub-pusher spool list`",
                   path, SH_SPOOL_REFUSED_MAX, SH_SPOOL_REFUSED_BYTES_MAX);
    notice(sentence);
}

static void free_names(struct dirent **names, int count)
{
    for (int i = 0; i < count; i++)
        free(names[i]);
    free(names);
}

static size_t size_of(const char *dir, const char *name)
{
    char path[PATH_MAX];
    struct stat st;
    return spool_path(dir, name, path, NULL) == SH_OK && lstat(path, &st) == 0 ? (size_t)st.st_size
                                                                               : 0;
}

static void delete_orphans(const char *dir)
{
    struct dirent **names = NULL;
    int count = scandir(dir, &names, is_reason, alphasort);
    for (int i = 0; i < count; i++) {
        char path[PATH_MAX], item[SPOOL_NAME_BYTES + sizeof SPOOL_ITEM_SUFFIX];
        int stem = (int)(strlen(names[i]->d_name) - strlen(REASON_SUFFIX));
        (void)snprintf(item, sizeof item, "%.*s" SPOOL_ITEM_SUFFIX, stem, names[i]->d_name);
        if (spool_path(dir, item, path, NULL) == SH_OK && access(path, F_OK) != 0)
            (void)spool_refused_forget(dir, item, NULL);
    }
    free_names(names, count);
}

void spool_refused_trim(const char *refused_dir, spool_notice notice)
{
    struct dirent **names = NULL;
    int count = scandir(refused_dir, &names, is_item, alphasort);
    size_t bytes = 0;
    int kept = 0;
    for (int i = count - 1; i >= 0; i--) { /* the newest first */
        bytes += size_of(refused_dir, names[i]->d_name);
        /* The newest one is kept whatever its size. */
        if (kept == SH_SPOOL_REFUSED_MAX || (kept > 0 && bytes > SH_SPOOL_REFUSED_BYTES_MAX))
            delete_item(refused_dir, names[i]->d_name, notice);
        else
            kept++;
    }
    free_names(names, count);
    delete_orphans(refused_dir);
}
