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
 * A file that the scanner writes, not atomically, while we read it: the device table or one
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
#define SOURCE_WAIT_FIRST_MS 15 /* between the first two of them */
#define SOURCE_WAIT_MS 250      /* at most */

/* Waits ms; true when the program was asked to stop. sh_stop_wait() is the usual one. */
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
 * Reads the whole source, and reads it again, SOURCE_TRIES times at most, while it is being
 * written. A file that was written this moment is let settle first, so that its stamp tells. A
 * plugin result whose last line stays cut is given as it is; a blank one is text of length 0. The
 * message always names the file, the reason, and the setting to look at. SH_E_NOT_FOUND; SH_E_BUSY
 * still half-written; SH_E_FORMAT no device table, or no plugin result; SH_E_LIMIT; SH_E_IO (not
 * readable: whose it is, who we are); SH_E_STOPPED; SH_E_MEMORY.
 */
sh_err source_read(const source *s, source_wait wait, source_text *ret, sh_error *error);

#endif
