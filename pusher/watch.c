/* SPDX-License-Identifier: Apache-2.0 */
#include "pusher/watch.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#define FOLDER_EVENTS                                                                              \
    (IN_CLOSE_WRITE | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR | IN_MASK_ADD)
/* Of a folder above: the next one on the way down may be made, or moved here. */
#define ANCESTOR_EVENTS                                                                            \
    (IN_CREATE | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR | IN_MASK_ADD)

/* Folders may come and go while they are armed; after so many turns the next event does it. */
#define ARM_TURNS_MAX 16

struct watch {
    int fd;
    const char *const *paths;
    size_t count;
    int *armed; /* watch descriptors now, one for each path; -1 for none; several may be equal */
    int *next;  /* the same, while arming */
};

sh_err watch_new(const char *const paths[], size_t count, watch **ret, sh_error *error)
{
    assert(count > 0);
    *ret = NULL;
    watch *w = calloc(1, sizeof *w);
    if (w == NULL)
        return sh_fail(error, SH_E_MEMORY, "no memory to watch files");
    w->paths = paths;
    w->count = count;
    w->armed = calloc(count, sizeof w->armed[0]);
    w->next = calloc(count, sizeof w->next[0]);
    w->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    int saved = errno;
    if (w->armed == NULL || w->next == NULL || w->fd < 0) {
        bool no_memory = w->armed == NULL || w->next == NULL;
        watch_free(w);
        return no_memory ? sh_fail(error, SH_E_MEMORY, "no memory to watch files")
                         : sh_fail(error, SH_E_IO,
                                   "files cannot be watched: %s (look at "
                                   "fs.inotify.max_user_instances)",
                                   strerror(saved));
    }
    for (size_t i = 0; i < count; i++)
        w->armed[i] = -1;
    *ret = w;
    return SH_OK;
}

void watch_free(watch *w)
{
    if (w == NULL)
        return;
    if (w->fd >= 0)
        (void)close(w->fd);
    free(w->armed);
    free(w->next);
    free(w);
}

int watch_fd(const watch *w)
{
    return w->fd;
}

void watch_drain(watch *w)
{
    char events[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
    while (read(w->fd, events, sizeof events) > 0) {
    }
}

/* Cuts path to the folder it lies in; false at the root or at the working folder. */
static bool to_parent(char path[static PATH_MAX])
{
    char *slash = strrchr(path, '/');
    if (slash == NULL) {
        bool more = strcmp(path, ".") != 0;
        memcpy(path, ".", sizeof ".");
        return more;
    }
    if (slash == path) {
        bool more = slash[1] != '\0';
        slash[1] = '\0';
        return more;
    }
    *slash = '\0';
    return true;
}

/*
 * Watches the deepest folder on the way to path that there is; *depth counts how far above the
 * file's own folder it lies. Gives the watch descriptor or -1. Folders that may not be read are
 * passed on the way up like missing ones, but noted.
 */
static int arm_deepest(const watch *w, const char *path, unsigned *depth, sh_error *error)
{
    char at[PATH_MAX];
    if ((size_t)snprintf(at, sizeof at, "%s", path) >= sizeof at) {
        (void)sh_fail(error, SH_E_IO, "%s: the path is too long to be watched", path);
        return -1;
    }
    for (*depth = 0; to_parent(at); ++*depth) {
        int descriptor =
            inotify_add_watch(w->fd, at, *depth == 0 ? FOLDER_EVENTS : ANCESTOR_EVENTS);
        if (descriptor >= 0)
            return descriptor;
        if (errno != ENOENT && errno != ENOTDIR)
            (void)sh_fail(error, SH_E_IO, "%s cannot be watched: %s", at,
                          errno == ENOSPC ? "no watches are left (fs.inotify.max_user_watches)"
                                          : strerror(errno));
    }
    return -1;
}

/* A folder can appear while the one above it is being armed: look down again until it is stable. */
static int arm_path(const watch *w, const char *path, sh_error *error)
{
    unsigned depth = 0, before;
    int descriptor = arm_deepest(w, path, &depth, error);
    for (unsigned turn = 0; depth > 0 && turn < ARM_TURNS_MAX; turn++) {
        before = depth;
        descriptor = arm_deepest(w, path, &depth, error);
        if (depth == before)
            break;
    }
    return descriptor;
}

static bool holds(const int *descriptors, size_t count, int descriptor)
{
    for (size_t i = 0; i < count; i++)
        if (descriptors[i] == descriptor)
            return true;
    return false;
}

sh_err watch_arm(watch *w, sh_error *error)
{
    sh_error first = {0};
    for (size_t i = 0; i < w->count; i++)
        w->next[i] = arm_path(w, w->paths[i], &first);
    for (size_t i = 0; i < w->count; i++)
        if (w->armed[i] >= 0 && !holds(w->next, w->count, w->armed[i]))
            (void)inotify_rm_watch(w->fd, w->armed[i]); /* gone with its folder, or not needed */
    int *armed = w->armed;
    w->armed = w->next;
    w->next = armed;
    return first.code == SH_OK ? SH_OK : sh_fail(error, first.code, "%s", first.message);
}
