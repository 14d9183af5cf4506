/* SPDX-License-Identifier: Apache-2.0 */
#include "pusher/spool.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/hex.h"
#include "libcommon/os/file.h"
#include "pusher/spool_file.h"
#include "pusher/spool_refused.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEMPORARY_PREFIX ".synchub-" /* left by sh_file_write() after a crash */

typedef struct {
    char name[SPOOL_NAME_BYTES]; /* `<ms>-<number>-<id>.item`, sorted in order of arrival */
    size_t bytes;                /* of the file */
} entry;

struct spool {
    char *waiting_dir, *refused_dir;
    int lock_fd;
    spool_notice notice;
    entry *entries; /* sorted, oldest first; room for SH_SPOOL_ENTRIES_MAX */
    size_t count;
    size_t bytes;
    sh_file_stamp loaded; /* of the folder, when its entries were read */
    bool settled;         /* any later change of the folder changes its stamp */
};

static void notify(const spool *s, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void notify(const spool *s, const char *format, ...)
{
    char sentence[SH_ERROR_MESSAGE_BYTES];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    s->notice(sentence);
}

static int compare_entries(const void *a, const void *b)
{
    return strcmp(((const entry *)a)->name, ((const entry *)b)->name);
}

static sh_err folder_make(const char *path, sh_error *error)
{
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return sh_fail(error, SH_E_IO, "%s: uid %u cannot create it: %s", path, (unsigned)geteuid(),
                       strerror(errno));
    return sh_folder_check_writable(path, error);
}

/* Creates one of our folders inside SYNC_spool_dir, where other users may be able to write. */
static sh_err own_folder_make(const char *path, sh_error *error)
{
    sh_err err = folder_make(path, error);
    if (err != SH_OK)
        return err;
    SH_CLEANUP(sh_close_cleanup)
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        errno = errno == ENOTDIR ? ELOOP : errno; /* with O_DIRECTORY a symbolic link */
        return sh_file_fail_open(path, error);
    }
    return sh_file_check_own(fd, path, error);
}

static sh_err lock_take(spool *s, const char *dir, sh_error *error)
{
    char path[PATH_MAX];
    sh_err err = spool_path(dir, "lock", path, error);
    if (err != SH_OK)
        return err;
    s->lock_fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
    if (s->lock_fd < 0)
        return sh_file_fail_open(path, error);
    err = sh_file_check_own(s->lock_fd, path, error);
    if (err != SH_OK)
        return err;
    if (flock(s->lock_fd, LOCK_EX | LOCK_NB) != 0)
        return sh_fail(error, SH_E_BUSY, "%s: another synchub-pusher uses this folder", dir);
    return SH_OK;
}

static sh_err entry_take(spool *s, int dir_fd, const char *name)
{
    assert(dir_fd >= 0);
    if (strncmp(name, TEMPORARY_PREFIX, sizeof TEMPORARY_PREFIX - 1) == 0) {
        (void)unlinkat(dir_fd, name, 0);
        return SH_OK;
    }
    struct stat st;
    if (!spool_is_item_name(name) || fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
        !S_ISREG(st.st_mode))
        return SH_OK;
    if (s->count == SH_SPOOL_ENTRIES_MAX)
        return SH_E_LIMIT;
    entry *e = &s->entries[s->count++];
    memcpy(e->name, name, strlen(name) + 1); /* spool_is_item_name() checked the length */
    e->bytes = (size_t)st.st_size;
    s->bytes += e->bytes;
    return SH_OK;
}

/* Reads the folder again. Ignores items over SH_SPOOL_ENTRIES_MAX until a later time. */
static sh_err entries_load(spool *s, sh_error *error)
{
    DIR *dir = opendir(s->waiting_dir);
    if (dir == NULL)
        return sh_fail(error, SH_E_IO, "%s: cannot be read: %s", s->waiting_dir, strerror(errno));
    s->count = 0;
    s->bytes = 0;
    /* Before the folder is read, so that a change during reading changes the stamp. */
    s->settled = sh_file_stamp_get(s->waiting_dir, &s->loaded, NULL) == SH_OK &&
                 sh_file_stamp_settle_ms(&s->loaded) == 0;
    sh_err err = SH_OK;
    for (struct dirent *e = readdir(dir); e != NULL && err == SH_OK; e = readdir(dir))
        err = entry_take(s, dirfd(dir), e->d_name);
    (void)closedir(dir);
    if (err != SH_OK)
        notify(s, "%s contains more than %d items: the others are sent later", s->waiting_dir,
               SH_SPOOL_ENTRIES_MAX);
    qsort(s->entries, s->count, sizeof s->entries[0], compare_entries);
    return SH_OK;
}

const char *spool_folder(const spool *s)
{
    return s->waiting_dir;
}

sh_err spool_rescan(spool *s, sh_error *error)
{
    sh_file_stamp now;
    if (s->settled && sh_file_stamp_get(s->waiting_dir, &now, NULL) == SH_OK &&
        sh_file_stamp_equals(&now, &s->loaded))
        return SH_OK;
    return entries_load(s, error);
}

static sh_err spool_fill(spool *s, const char *dir, sh_error *error)
{
    sh_err err = folder_make(dir, error);
    if (err != SH_OK)
        return err;
    s->entries = calloc(SH_SPOOL_ENTRIES_MAX, sizeof s->entries[0]);
    s->waiting_dir = sh_text_format("%s/spool", dir);
    s->refused_dir = sh_text_format("%s/refused", dir);
    if (s->entries == NULL || s->waiting_dir == NULL || s->refused_dir == NULL)
        return sh_fail(error, SH_E_MEMORY, "no memory for the spool");
    err = own_folder_make(s->waiting_dir, error);
    if (err == SH_OK)
        err = own_folder_make(s->refused_dir, error);
    if (err == SH_OK)
        err = lock_take(s, dir, error);
    if (err != SH_OK)
        return err;
    sh_folder_remove_temporary(dir, 0); /* we have the lock, so nobody else writes there */
    sh_folder_remove_temporary(s->refused_dir, 0);
    spool_refused_trim(s->refused_dir, s->notice);
    return entries_load(s, error);
}

sh_err spool_open(const char *dir, spool_notice notice, spool **ret, sh_error *error)
{
    *ret = NULL;
    spool *s = calloc(1, sizeof *s);
    if (s == NULL)
        return sh_fail(error, SH_E_MEMORY, "no memory for the spool");
    s->lock_fd = -1;
    s->notice = notice;
    sh_err err = spool_fill(s, dir, error);
    if (err != SH_OK) {
        spool_close(s);
        return err;
    }
    *ret = s;
    return SH_OK;
}

void spool_close(spool *s)
{
    if (s == NULL)
        return;
    if (s->lock_fd >= 0)
        (void)close(s->lock_fd);
    free(s->waiting_dir);
    free(s->refused_dir);
    free(s->entries);
    free(s);
}

size_t spool_count(const spool *s)
{
    return s->count;
}

size_t spool_bytes(const spool *s)
{
    return s->bytes;
}

static void entry_drop(spool *s, size_t index)
{
    assert(index < s->count);
    s->bytes -= s->entries[index].bytes;
    memmove(&s->entries[index], &s->entries[index + 1],
            (s->count - index - 1) * sizeof s->entries[0]);
    s->count--;
}

/*
 * The first part of the next item's name: the time or, if the clock was set back since the last
 * item, one more than that item's, so that the order is kept.
 */
static int64_t next_order(const spool *s, int64_t now_ms)
{
    if (s->count == 0)
        return now_ms;
    int64_t last = strtoll(s->entries[s->count - 1].name, NULL, 10);
    return last >= now_ms && last < INT64_MAX ? last + 1 : now_ms;
}

sh_err spool_add(spool *s, const char *plugin, sh_slice text, int64_t now_ms, sh_error *error)
{
    size_t bytes = text.len + SPOOL_FILE_HEADER_BYTES;
    if (s->count >= SH_SPOOL_ENTRIES_MAX)
        return sh_fail(error, SH_E_LIMIT, "%s is full with %zu items", s->waiting_dir, s->count);
    if (bytes > SH_SPOOL_BYTES_MAX || s->bytes > SH_SPOOL_BYTES_MAX - bytes)
        return sh_fail(error, SH_E_LIMIT, "%s is full: %zu bytes more would be over %lu",
                       s->waiting_dir, bytes, SH_SPOOL_BYTES_MAX);
    spool_item item = {.time_ms = now_ms};
    (void)snprintf(item.plugin, sizeof item.plugin, "%s", plugin);
    sh_random(item.id, sizeof item.id);
    char hex[SH_ID_HEX_BYTES];
    sh_hex_encode(item.id, SH_ID_BYTES, hex);
    (void)snprintf(item.name, sizeof item.name, "%016" PRId64 "-%08d-%s" SPOOL_ITEM_SUFFIX,
                   next_order(s, now_ms), 0, hex);
    char path[PATH_MAX];
    sh_err err = spool_path(s->waiting_dir, item.name, path, error);
    if (err == SH_OK)
        err = spool_file_write(path, &item, text, error);
    if (err != SH_OK) {
        (void)unlink(path); /* may exist without being durable; a retry has another id */
        return err;
    }
    entry *e = &s->entries[s->count++];
    memcpy(e->name, item.name, sizeof e->name);
    e->bytes = bytes;
    s->bytes += bytes;
    return SH_OK;
}

static sh_err set_aside(spool *s, const char *name, const char *reason, sh_error *error)
{
    sh_err err = spool_refused_add(s->waiting_dir, s->refused_dir, name, reason, error);
    if (err == SH_OK)
        spool_refused_trim(s->refused_dir, s->notice);
    return err;
}

/* Reads an item. SH_E_FORMAT: damaged, SH_E_NOT_FOUND: deleted. */
static sh_err item_read(const spool *s, size_t index, spool_item *item, sh_buf *text,
                        sh_error *error)
{
    char path[PATH_MAX];
    sh_err err = spool_path(s->waiting_dir, s->entries[index].name, path, error);
    if (err != SH_OK)
        return err;
    memcpy(item->name, s->entries[index].name, sizeof item->name);
    return spool_file_read(path, item, text, error);
}

sh_err spool_each(const spool *s, spool_each_item each, void *context, sh_error *error)
{
    for (size_t i = 0; i < s->count; i++) {
        SH_CLEANUP(sh_buf_wipe) sh_buf text = SH_BUF_INIT(SH_PLAIN_MAX);
        spool_item item;
        sh_error reason = {0};
        sh_err err = item_read(s, i, &item, &text, &reason);
        if (err == SH_E_FORMAT || err == SH_E_LIMIT || err == SH_E_NOT_FOUND)
            continue; /* spool_get() reports it and moves it */
        if (err != SH_OK)
            return sh_fail(error, err, "%s", reason.message);
        err = each(context, &item, (sh_slice){text.data, text.len}, error);
        if (err != SH_OK)
            return err;
    }
    return SH_OK;
}

sh_err spool_get(spool *s, size_t index, spool_item *item, sh_buf *text, sh_error *error)
{
    while (index < s->count) {
        sh_error reason = {0};
        sh_err err = item_read(s, index, item, text, &reason);
        if (err == SH_OK)
            return SH_OK;
        if (err == SH_E_FORMAT || err == SH_E_LIMIT) {
            notify(s, "%s; moved it to %s", reason.message, s->refused_dir);
            sh_error damaged = reason;
            sh_error_clear(&reason);
            err = set_aside(s, s->entries[index].name, damaged.message, &reason);
        }
        if (err != SH_OK && err != SH_E_NOT_FOUND) /* not found: deleted meanwhile */
            return sh_fail(error, err, "%s", reason.message);
        entry_drop(s, index);
    }
    return sh_fail(error, SH_E_NOT_FOUND, "the spool has no such item");
}

static sh_err entry_find(const spool *s, const spool_item *item, size_t *ret)
{
    for (size_t i = 0; i < s->count; i++) {
        if (strcmp(s->entries[i].name, item->name) == 0) {
            *ret = i;
            return SH_OK;
        }
    }
    return SH_E_NOT_FOUND;
}

sh_err spool_remove(spool *s, const spool_item *item, sh_error *error)
{
    char path[PATH_MAX];
    sh_err err = spool_path(s->waiting_dir, item->name, path, error);
    if (err == SH_OK)
        err = sh_file_remove(path, error);
    size_t index;
    if (err == SH_OK && entry_find(s, item, &index) == SH_OK)
        entry_drop(s, index);
    return err;
}

sh_err spool_refuse(spool *s, const spool_item *item, const char *reason, sh_error *error)
{
    sh_err err = set_aside(s, item->name, reason, error);
    size_t index;
    if (err == SH_OK && entry_find(s, item, &index) == SH_OK)
        entry_drop(s, index);
    return err;
}
