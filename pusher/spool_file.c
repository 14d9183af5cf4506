/* SPDX-License-Identifier: Apache-2.0 */
#include "pusher/spool_file.h"

#include "libcommon/base/big_endian.h"
#include "libcommon/base/cleanup.h"
#include "libcommon/base/node_name.h"
#include "libcommon/os/file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char magic[8] = "SHSPOOL\1";

#define HASH_BYTES 32
#define ID_AT 8
#define TIME_AT (ID_AT + SH_ID_BYTES)
#define LEN_AT (TIME_AT + 8)
#define HASH_AT (LEN_AT + 8)
#define PLUGIN_AT (HASH_AT + HASH_BYTES)
static_assert(PLUGIN_AT + SH_PLUGIN_NAME_MAX == SPOOL_FILE_HEADER_BYTES, "header's layout");

/* The hash covers the header before it, the plugin's name and the text. */
static void hash_item(const uint8_t header[SPOOL_FILE_HEADER_BYTES], sh_slice text,
                      uint8_t ret[HASH_BYTES])
{
    uint8_t head[SH_KEY_BYTES];
    uint8_t cleared[SPOOL_FILE_HEADER_BYTES];
    memcpy(cleared, header, sizeof cleared);
    memset(cleared + HASH_AT, 0, HASH_BYTES);
    sh_keyed_hash(NULL, (sh_slice){(const char *)cleared, sizeof cleared}, head, sizeof head);
    sh_keyed_hash(head, text, ret, HASH_BYTES);
}

sh_err spool_file_write(const char *path, const spool_item *item, sh_slice text, sh_error *error)
{
    uint8_t header[SPOOL_FILE_HEADER_BYTES] = {0};
    memcpy(header, magic, sizeof magic);
    memcpy(header + ID_AT, item->id, SH_ID_BYTES);
    sh_big_endian_put(header + TIME_AT, (uint64_t)item->time_ms, 8);
    sh_big_endian_put(header + LEN_AT, text.len, 8);
    memcpy(header + PLUGIN_AT, item->plugin, strlen(item->plugin));
    hash_item(header, text, header + HASH_AT);
    SH_CLEANUP(sh_buf_wipe) sh_buf content = SH_BUF_INIT(sizeof header + text.len);
    sh_err err = sh_buf_reserve(&content, content.limit);
    if (err == SH_OK)
        err = sh_buf_append(&content, header, sizeof header);
    if (err == SH_OK)
        err = sh_buf_append(&content, text.data, text.len);
    if (err != SH_OK)
        return sh_fail(error, err, "%s: no memory to write it", path);
    return sh_file_write(path, (sh_slice){content.data, content.len}, 0600, error);
}

bool spool_is_item_name(const char *name)
{
    size_t len = strlen(name);
    return len < SPOOL_NAME_BYTES && len > sizeof SPOOL_ITEM_SUFFIX && name[0] != '.' &&
           strcmp(name + len - (sizeof SPOOL_ITEM_SUFFIX - 1), SPOOL_ITEM_SUFFIX) == 0;
}

sh_err spool_path(const char *dir, const char *name, char ret[static PATH_MAX], sh_error *error)
{
    int len = snprintf(ret, PATH_MAX, "%s/%s", dir, name);
    if (len < 0 || len >= PATH_MAX)
        return sh_fail(error, SH_E_IO, "%s: the path is too long", dir);
    return SH_OK;
}

/* Parses the header of a file of file_bytes bytes. */
static sh_err read_fields(const char *path, const uint8_t *header, size_t file_bytes,
                          spool_item *item, sh_error *error)
{
    if (file_bytes < SPOOL_FILE_HEADER_BYTES || memcmp(header, magic, sizeof magic) != 0)
        return sh_fail(error, SH_E_FORMAT, "%s is damaged: its header is invalid", path);
    if (sh_big_endian_get(header + LEN_AT, 8) != file_bytes - SPOOL_FILE_HEADER_BYTES)
        return sh_fail(error, SH_E_FORMAT, "%s is damaged: its length is wrong", path);
    memcpy(item->id, header + ID_AT, SH_ID_BYTES);
    item->time_ms = (int64_t)sh_big_endian_get(header + TIME_AT, 8);
    memcpy(item->plugin, header + PLUGIN_AT, SH_PLUGIN_NAME_MAX);
    item->plugin[SH_PLUGIN_NAME_MAX] = '\0';
    if (sh_plugin_name_check(sh_slice_of(item->plugin), NULL) != SH_OK)
        return sh_fail(error, SH_E_FORMAT, "%s is damaged: it has no plugin name", path);
    return SH_OK;
}

static sh_err read_header(const char *path, sh_slice content, spool_item *item, sh_error *error)
{
    const uint8_t *header = (const uint8_t *)content.data;
    sh_err err = read_fields(path, header, content.len, item, error);
    if (err != SH_OK)
        return err;
    uint8_t hash[HASH_BYTES];
    sh_slice text = {content.data + SPOOL_FILE_HEADER_BYTES, content.len - SPOOL_FILE_HEADER_BYTES};
    hash_item(header, text, hash);
    if (memcmp(hash, header + HASH_AT, HASH_BYTES) != 0)
        return sh_fail(error, SH_E_FORMAT, "%s is damaged: its hash does not match", path);
    return SH_OK;
}

sh_err spool_file_peek(const char *path, spool_item *item, size_t *bytes, sh_error *error)
{
    SH_CLEANUP(sh_close_cleanup)
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
    struct stat st;
    uint8_t header[SPOOL_FILE_HEADER_BYTES] = {0};
    if (fd < 0)
        return sh_fail(error, errno == ENOENT ? SH_E_NOT_FOUND : SH_E_IO, "%s: cannot be read: %s",
                       path, strerror(errno));
    ssize_t n = fstat(fd, &st) != 0 ? -1 : pread(fd, header, sizeof header, 0);
    if (n < 0)
        return sh_fail(error, SH_E_IO, "%s: cannot be read: %s", path, strerror(errno));
    sh_err err = sh_file_check_own(fd, path, error);
    if (err != SH_OK)
        return err;
    *bytes = (size_t)st.st_size;
    /* A shorter file counts as one without magic. */
    return read_fields(path, header, n < (ssize_t)sizeof header ? 0 : *bytes, item, error);
}

sh_err spool_file_read(const char *path, spool_item *item, sh_buf *text, sh_error *error)
{
    SH_CLEANUP(sh_buf_wipe) sh_buf content = SH_BUF_INIT(SPOOL_FILE_HEADER_BYTES + SH_PLAIN_MAX);
    sh_err err = sh_file_read_own(path, &content, error);
    if (err == SH_OK)
        err = read_header(path, (sh_slice){content.data, content.len}, item, error);
    if (err != SH_OK)
        return err;
    err = sh_buf_append(text, content.data + SPOOL_FILE_HEADER_BYTES,
                        content.len - SPOOL_FILE_HEADER_BYTES);
    return err == SH_OK ? SH_OK : sh_fail(error, err, "%s: no memory to read it", path);
}
