/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PUSHER_SPOOL_FILE_H
#define PUSHER_SPOOL_FILE_H

#include "libcommon/base/buffer.h"
#include "libcommon/base/error.h"
#include "libcommon/base/text.h"
#include "pusher/spool_item.h"

#include <limits.h>

/*
 * One item of the spool as a file: a header of fixed size (magic, version, id, time, the text's
 * length and hash, the plugin's name), then the text as it was read. Integers are big-endian.
 */
#define SPOOL_FILE_HEADER_BYTES 136
#define SPOOL_ITEM_SUFFIX ".item"

/* Whether a name is that of an item; other files in the folders are ignored. */
bool spool_is_item_name(const char *name);

/* `dir/name`. SH_E_IO if it is too long. */
sh_err spool_path(const char *dir, const char *name, char ret[static PATH_MAX], sh_error *error);

/* Writes it durably, readable by its owner only. SH_E_IO, SH_E_MEMORY. */
sh_err spool_file_write(const char *path, const spool_item *item, sh_slice text, sh_error *error);

/*
 * Fills in the item's id, time and plugin and appends the text to *text. SH_E_FORMAT if the file is
 * damaged, SH_E_NOT_FOUND, SH_E_LIMIT, SH_E_IO, SH_E_MEMORY; *text is unchanged after a failure.
 */
sh_err spool_file_read(const char *path, spool_item *item, sh_buf *text, sh_error *error);

/*
 * Reads only the header, without checking the text, and the size of the file: for a list. The same
 * errors.
 */
sh_err spool_file_peek(const char *path, spool_item *item, size_t *bytes, sh_error *error);

#endif
