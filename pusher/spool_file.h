/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PUSHER_SPOOL_FILE_H
#define PUSHER_SPOOL_FILE_H

#include "libcommon/buffer.h"
#include "libcommon/error.h"
#include "libcommon/text.h"
#include "pusher/spool.h"

/*
 * One item of the spool as a file: a header of fixed size (magic, version, id, time, the text's
 * length and hash, the plugin's name), then the text as it was read. Integers are big-endian.
 */
#define SPOOL_FILE_HEADER_BYTES 136

/* Writes it durably, readable by its owner alone. SH_E_IO, SH_E_MEMORY. */
sh_err spool_file_write(const char *path, const spool_item *item, sh_slice text, sh_error *error);

/*
 * Fills item's id, time and plugin and adds the text to *text. SH_E_FORMAT where the file is not
 * exactly what was written, SH_E_NOT_FOUND, SH_E_LIMIT, SH_E_IO, SH_E_MEMORY; *text is then as it
 * was.
 */
sh_err spool_file_read(const char *path, spool_item *item, sh_buf *text, sh_error *error);

#endif
