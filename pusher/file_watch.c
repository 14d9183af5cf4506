/* SPDX-License-Identifier: Apache-2.0 */
#include "pusher/file_watch.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDER_EVENTS                                                                              \
    (IN_CLOSE_WRITE | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR | IN_MASK_ADD)
/*
 * Events of an ancestor folder: the next folder of the path may be created in it, or moved to it.
 */
#define ANCESTOR_EVENTS                                                                            \
    (IN_CREATE | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR | IN_MASK_ADD)

/* Folders may appear and disappear during arming; after this many turns wait for the next event. */
#define ARM_TURNS_MAX 16

/* The kind of watch for a path. */
typedef enum {
    ABOVE,  /* a folder above the file's own */
    FOLDER, /* its own, any event of which counts: the path is a folder, or the file is a link */
    BY_NAME /* its own; events have the file's name */
} armed_as;

struct watch {
    int fd;
    const char *const *paths;
    size_t count;
    int *armed;   /* current watch descriptor of each path; -1: none; may repeat */
    int *next;    /* the same during arming */
    armed_as *as; /* kind of each path's watch */
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
    w->as = calloc(count, sizeof w->as[0]);
    w->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    int saved = errno;
    bool no_memory = w->armed == NULL || w->next == NULL || w->as == NULL;
    if (no_memory || w->fd < 0) {
        watch_free(w);
        return no_memory ? sh_fail(error, SH_E_MEMORY, "no memory to watch files")
                         : sh_fail(error, SH_E_IO,
                                   "cannot watch files: %s (see fs.inotify.max_user_instances)",
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
    free(w->as);
    free(w);
}

int watch_fd(const watch *w)
{
    return w->fd;
}

/*
 * Whether an event of a path's watch may concern the path: a file was written, created or moved
 * there. inotify merges watches of the same folder, so that a watch for a file may also report
 * created folders.
 */
static bool may_be_about(const watch *w, size_t path, const struct inotify_event *event)
{
    const char *slash = strrchr(w->paths[path], '/');
    switch (w->as[path]) {
    case ABOVE:
        return (event->mask & (IN_CREATE | IN_MOVED_TO)) != 0;
    case BY_NAME:
        return strcmp(slash == NULL ? w->paths[path] : slash + 1, event->name) == 0;
    case FOLDER:
        break;
    }
    return true;
}

/* Whether the event concerns another file in the folder of one of ours. */
static bool is_others(const watch *w, const struct inotify_event *event)
{
    if ((event->mask & (IN_CLOSE_WRITE | IN_CREATE | IN_MOVED_TO)) == 0 ||
        (event->mask & IN_ISDIR) != 0 || event->len == 0)
        return false;
    for (size_t i = 0; i < w->count; i++)
        if (w->armed[i] == event->wd && may_be_about(w, i, event))
            return false;
    return true;
}

watch_seen watch_drain(watch *w)
{
    char events[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
    watch_seen seen = WATCH_QUIET;
    ssize_t len;
    while ((len = read(w->fd, events, sizeof events)) > 0) {
        for (const char *at = events; at < events + len;) {
            const struct inotify_event *event = (const struct inotify_event *)(const void *)at;
            if (!is_others(w, event))
                seen = WATCH_CHANGED;
            else if (seen == WATCH_QUIET)
                seen = WATCH_OTHERS;
            at += sizeof *event + event->len;
        }
    }
    return seen;
}

/* Truncates path to its folder; false at the root or the working directory. */
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

static bool is_folder(const char *path)
{
    size_t len = strlen(path);
    return len > 0 && path[len - 1] == '/';
}

/*
 * Watches the deepest existing folder on the way to path; *depth is its distance from the file's
 * own folder. Returns the watch descriptor or -1. Skips unreadable folders like missing ones, but
 * records them in *error.
 */
static int arm_deepest(const watch *w, const char *path, unsigned *depth, sh_error *error)
{
    char at[PATH_MAX];
    uint32_t events = is_folder(path) ? FOLDER_EVENTS | IN_DELETE : FOLDER_EVENTS;
    if ((size_t)snprintf(at, sizeof at, "%s", path) >= sizeof at) {
        (void)sh_fail(error, SH_E_IO, "%s: cannot watch it, as the path is too long", path);
        return -1;
    }
    for (*depth = 0; to_parent(at); ++*depth) {
        int descriptor = inotify_add_watch(w->fd, at, *depth == 0 ? events : ANCESTOR_EVENTS);
        if (descriptor >= 0)
            return descriptor;
        if (errno != ENOENT && errno != ENOTDIR)
            (void)sh_fail(error, SH_E_IO, "cannot watch %s: %s", at,
                          errno == ENOSPC ? "no watches are left (fs.inotify.max_user_watches)"
                                          : strerror(errno));
    }
    return -1;
}

/* A folder can appear while its parent is being armed: repeat until the result is stable. */
static int arm_path(const watch *w, const char *path, armed_as *as, sh_error *error)
{
    struct stat st;
    unsigned depth = 0, before;
    int descriptor = arm_deepest(w, path, &depth, error);
    for (unsigned turn = 0; depth > 0 && turn < ARM_TURNS_MAX; turn++) {
        before = depth;
        descriptor = arm_deepest(w, path, &depth, error);
        if (depth == before)
            break;
    }
    bool is_link = lstat(path, &st) == 0 && S_ISLNK(st.st_mode);
    *as = depth > 0 ? ABOVE : is_link || is_folder(path) ? FOLDER : BY_NAME;
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
        w->next[i] = arm_path(w, w->paths[i], &w->as[i], &first);
    for (size_t i = 0; i < w->count; i++)
        if (w->armed[i] >= 0 && !holds(w->next, w->count, w->armed[i]))
            (void)inotify_rm_watch(w->fd, w->armed[i]); /* may have ended with its folder */
    int *armed = w->armed;
    w->armed = w->next;
    w->next = armed;
    return first.code == SH_OK ? SH_OK : sh_fail(error, first.code, "%s", first.message);
}
