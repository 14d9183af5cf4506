/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PUSHER_SOURCE_H
#define PUSHER_SOURCE_H

#include "libcommon/base/buffer.h"
#include "libcommon/base/error.h"
#include "libcommon/base/limits.h"
#include "libcommon/native/envelope.h"
#include "libcommon/os/file.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A file that the scanner may be writing, not atomically, while it is read: the device table or one
 * plugin's last result.
 */
typedef struct {
    sh_kind kind;
    char plugin[SH_PLUGIN_NAME_MAX + 1]; /* "" for the device table */
    char *path;
} source;

/* path is SYNC_devices_file. SH_E_MEMORY. */
sh_err source_init_devices(source *ret, const char *path, sh_error *error);
/* dir is SYNC_plugins_dir, plugin a valid plugin name. SH_E_MEMORY, SH_E_FORMAT. */
sh_err source_init_plugin(source *ret, const char *dir, const char *plugin, sh_error *error);
void source_reset(source *s); /* NULL and zeroed are accepted */

#define SOURCE_TRIES 13
#define SOURCE_WAIT_FIRST_MS 15 /* wait between the first two attempts */
#define SOURCE_WAIT_MS 250      /* at most */

/* Waits for ms; true when the program must stop. Usually sh_stop_wait(). */
typedef bool (*source_wait)(int64_t ms);

typedef struct {
    sh_buf text;
    sh_file_stamp stamp; /* of exactly this text */
    size_t rows;         /* of a device table */
} source_text;

#define SOURCE_TEXT_INIT                                                                           \
    (source_text)                                                                                  \
    {                                                                                              \
        .text = SH_BUF_INIT(SH_PLAIN_MAX)                                                          \
    }

void source_text_reset(source_text *text); /* wipes it; zeroed is accepted */

/*
 * Reads the whole source, and repeats that, SOURCE_TRIES times at most, while the file is being
 * written. Waits first if the file was written this moment, so that a later write changes its
 * stamp. Returns a plugin result whose last line stays incomplete as it is, and a blank one as an
 * empty text. The message always contains the file, the reason, and the setting to check.
 * SH_E_NOT_FOUND; SH_E_BUSY: still half-written; SH_E_FORMAT: no device table or plugin result;
 * SH_E_LIMIT; SH_E_IO: not readable, with the file's owner and our user; SH_E_STOPPED; SH_E_MEMORY.
 */
sh_err source_read(const source *s, source_wait wait, source_text *ret, sh_error *error);

#endif
