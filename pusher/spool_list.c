/* SPDX-License-Identifier: Apache-2.0 */
#include "pusher/spool_list.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/os/file.h"
#include "pusher/spool_file.h"
#include "pusher/spool_refused.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WAITING "spool"
#define REFUSED "refused"

/* The id in `<order>-<number>-<id>.item`; of other names everything but the suffix. */
static void id_of(const char *name, char ret[static SPOOL_NAME_BYTES])
{
    const char *dash = strrchr(name, '-');
    const char *begin = dash == NULL ? name : dash + 1;
    size_t len = strlen(begin) - strlen(SPOOL_ITEM_SUFFIX);
    memcpy(ret, begin, len);
    ret[len] = '\0';
}

static sh_err read_entry(const char *dir, const char *name, bool in_refused, spool_entry *ret)
{
    char path[PATH_MAX];
    sh_error reason = {.code = SH_OK};
    *ret = (spool_entry){.in_refused = in_refused,
                         .state = in_refused ? SPOOL_REFUSED : SPOOL_WAITING};
    sh_err err = spool_path(dir, name, path, NULL);
    if (err == SH_OK)
        err = spool_file_peek(path, &ret->item, &ret->bytes, &reason);
    (void)snprintf(ret->item.name, sizeof ret->item.name, "%.*s", SPOOL_NAME_BYTES - 1, name);
    id_of(name, ret->id);
    if (in_refused)
        spool_refused_reason(dir, name, &ret->refused_ms, ret->reason);
    if (err != SH_OK && err != SH_E_NOT_FOUND) {
        ret->state = SPOOL_DAMAGED;
        if (ret->reason[0] == '\0')
            (void)snprintf(ret->reason, sizeof ret->reason, "%.*s", SH_SPOOL_REASON_MAX - 1,
                           reason.message);
    }
    return err == SH_E_NOT_FOUND ? err : SH_OK;
}

static int is_item(const struct dirent *e)
{
    return spool_is_item_name(e->d_name);
}

static sh_err list_folder(const char *root, const char *folder, spool_entries *all, sh_error *error)
{
    char dir[PATH_MAX];
    struct dirent **names = NULL;
    sh_err err = spool_path(root, folder, dir, error);
    if (err != SH_OK)
        return err;
    int count = scandir(dir, &names, is_item, alphasort);
    if (count < 0 && errno == ENOENT && access(root, F_OK) == 0)
        return SH_OK; /* no pusher has used it yet */
    if (count < 0)
        return sh_fail(error, SH_E_IO, "%s cannot be read by uid %u (SYNC_spool_dir): %s", dir,
                       (unsigned)geteuid(), strerror(errno));
    spool_entry *grown =
        reallocarray(all->entries, all->count + (size_t)count + 1, sizeof *all->entries);
    if (grown != NULL)
        all->entries = grown;
    else
        err = sh_fail(error, SH_E_MEMORY, "no memory for the list");
    for (int i = 0; i < count; i++) {
        if (err == SH_OK && read_entry(dir, names[i]->d_name, strcmp(folder, REFUSED) == 0,
                                       &all->entries[all->count]) == SH_OK)
            all->count++;
        free(names[i]);
    }
    free(names);
    return err;
}

sh_err spool_list(const char *dir, spool_entries *ret, sh_error *error)
{
    *ret = (spool_entries){.entries = NULL};
    sh_err err = list_folder(dir, WAITING, ret, error);
    if (err == SH_OK)
        err = list_folder(dir, REFUSED, ret, error);
    if (err != SH_OK)
        spool_entries_free(ret);
    return err;
}

void spool_entries_free(spool_entries *entries)
{
    free(entries->entries);
    *entries = (spool_entries){.entries = NULL};
}

const spool_entry *spool_entries_find(const spool_entries *entries, const char *id)
{
    for (size_t i = 0; i < entries->count; i++)
        if (strcmp(entries->entries[i].id, id) == 0)
            return &entries->entries[i];
    return NULL;
}

static sh_err check_room(const spool_entries *all, const spool_entry *entry, sh_error *error)
{
    size_t count = 0, bytes = 0;
    for (size_t i = 0; i < all->count; i++) {
        if (all->entries[i].in_refused)
            continue;
        count++;
        bytes += all->entries[i].bytes;
    }
    if (count < SH_SPOOL_ENTRIES_MAX && entry->bytes <= SH_SPOOL_BYTES_MAX &&
        bytes <= SH_SPOOL_BYTES_MAX - entry->bytes)
        return SH_OK;
    return sh_fail(error, SH_E_LIMIT, "%s: the spool is full: %zu items of %zu bytes wait",
                   entry->id, count, bytes);
}

/* Checks the whole item, as the pusher will read it. */
static sh_err check_content(const char *path, const char *id, sh_error *error)
{
    SH_CLEANUP(sh_buf_wipe) sh_buf text = SH_BUF_INIT(SH_PLAIN_MAX);
    spool_item item;
    sh_error reason = {.code = SH_OK};
    sh_err err = spool_file_read(path, &item, &text, &reason);
    if (err == SH_E_FORMAT || err == SH_E_LIMIT)
        return sh_fail(error, SH_E_CONFIG, "%s cannot be sent, only dropped: %s", id,
                       reason.message);
    return err == SH_OK ? SH_OK : sh_fail(error, err, "%s: %s", id, reason.message);
}

sh_err spool_entry_retry(const char *dir, const spool_entries *all, const spool_entry *entry,
                         sh_error *error)
{
    char refused[PATH_MAX], waiting[PATH_MAX], from[PATH_MAX], to[PATH_MAX];
    if (!entry->in_refused)
        return sh_fail(
            error, SH_E_CONFIG,
            "%s was not refused: it waits for the hub, and the pusher sends it automatically",
            entry->id);
    sh_err err = spool_path(dir, REFUSED, refused, error);
    if (err == SH_OK)
        err = spool_path(dir, WAITING, waiting, error);
    if (err == SH_OK)
        err = spool_path(refused, entry->item.name, from, error);
    if (err == SH_OK)
        err = spool_path(waiting, entry->item.name, to, error);
    if (err == SH_OK)
        err = check_content(from, entry->id, error);
    if (err == SH_OK)
        err = check_room(all, entry, error);
    /*
     * Remove the reason first: once the item waits, a pusher may refuse it again for another
     * reason.
     */
    if (err == SH_OK)
        err = spool_refused_forget(refused, entry->item.name, error);
    return err == SH_OK ? sh_file_move(from, to, error) : err;
}

sh_err spool_entry_drop(const char *dir, const spool_entry *entry, sh_error *error)
{
    char folder[PATH_MAX], path[PATH_MAX];
    sh_err err = spool_path(dir, entry->in_refused ? REFUSED : WAITING, folder, error);
    if (err == SH_OK)
        err = spool_path(folder, entry->item.name, path, error);
    if (err == SH_OK)
        err = sh_file_remove(path, error);
    return err == SH_OK && entry->in_refused ? spool_refused_forget(folder, entry->item.name, error)
                                             : err;
}
