/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_TEMP_H
#define TESTS_UNIT_TEMP_H

#include <linux/magic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>

#define TEMP_ROOM_BYTES (UINT64_C(1) << 30) /* a container may give /dev/shm only 64 MiB */

/*
 * Where tests make their folders: TMPDIR, or memory, where waiting for a disk to be durable takes
 * no time, or /tmp.
 */
static inline const char *temp_base(void)
{
    const char *named = getenv("TMPDIR");
    struct statfs shm;
    if (named != NULL)
        return named;
    if (statfs("/dev/shm", &shm) == 0 && shm.f_type == TMPFS_MAGIC &&
        (uint64_t)shm.f_bavail * (uint64_t)shm.f_bsize >= TEMP_ROOM_BYTES)
        return "/dev/shm";
    return "/tmp";
}

/* The same for what must have a short path, such as a Unix socket. */
static inline const char *temp_base_short(void)
{
    const char *base = temp_base();
    return strlen(base) < 40 ? base : "/tmp";
}

#endif
