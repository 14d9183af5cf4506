/* SPDX-License-Identifier: Apache-2.0 */
#include "pusher/source.h"

#include "libcommon/base/node_name.h"
#include "libcommon/netalertx/plugin_lines.h"
#include "libcommon/netalertx/table_scan.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NETALERTX_UID 20211 /* the user of NetAlertX's container */

/* A text of this length that does not begin like a device table will not become one. */
#define TABLE_HEAD_BYTES 64

#define SETTLE_TURNS 16

sh_err source_init_devices(source *ret, const char *path, sh_error *error)
{
    *ret = (source){.kind = SH_KIND_DEVICES, .path = strdup(path)};
    return ret->path != NULL ? SH_OK : sh_fail(error, SH_E_MEMORY, "no memory for a path");
}

sh_err source_init_plugin(source *ret, const char *dir, const char *plugin, sh_error *error)
{
    *ret = (source){.kind = SH_KIND_PLUGIN};
    sh_err err = sh_plugin_name_check(sh_slice_of(plugin), error);
    if (err != SH_OK)
        return err;
    (void)snprintf(ret->plugin, sizeof ret->plugin, "%s", plugin);
    ret->path = sh_text_format("%s/last_result.%s.log", dir, plugin);
    return ret->path != NULL ? SH_OK : sh_fail(error, SH_E_MEMORY, "no memory for a path");
}

void source_reset(source *s)
{
    if (s == NULL)
        return;
    free(s->path);
    s->path = NULL;
}

void source_text_reset(source_text *text)
{
    sh_buf_wipe(&text->text);
}

/* Truncates path to its folder. */
static void to_parent(char *path)
{
    char *slash = strrchr(path, '/');
    if (slash == NULL)
        memcpy(path, ".", sizeof "."); /* fits: a path has at least one byte */
    else if (slash == path)
        slash[1] = '\0';
    else
        *slash = '\0';
}

static const char *setting_of(const source *s)
{
    return s->kind == SH_KIND_DEVICES ? "SYNC_devices_file" : "SYNC_plugins_dir";
}

static sh_err fail_missing(const source *s, sh_error *error)
{
    char dir[PATH_MAX];
    (void)snprintf(dir, sizeof dir, "%s", s->path); /* the system accepts no longer paths */
    to_parent(dir);
    if (access(dir, F_OK) != 0)
        return sh_fail(
            error, SH_E_NOT_FOUND,
            "%s not found, nor its folder %s: mount NetAlertX's volume here, or correct %s",
            s->path, dir, setting_of(s));
    if (s->kind == SH_KIND_DEVICES)
        return sh_fail(error, SH_E_NOT_FOUND,
                       "%s not found: NetAlertX writes it after a scan; if it runs, "
                       "SYNC_devices_file is wrong",
                       s->path);
    return sh_fail(error, SH_E_NOT_FOUND,
                   "%s not found: the plugin %s has left no result yet; if it runs, check its name "
                   "in SYNC_plugins, and SYNC_plugins_dir",
                   s->path, s->plugin);
}

/* Says which user needs access, if the file or a folder above it denies it. */
static sh_err fail_not_permitted(const source *s, sh_error *error)
{
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s", s->path);
    struct stat st;
    while (stat(path, &st) != 0) {
        if (strcmp(path, "/") == 0 || strcmp(path, ".") == 0)
            return sh_fail(error, SH_E_IO, "%s: permission denied", s->path);
        to_parent(path);
    }
    return sh_fail(error, SH_E_IO,
                   "%s: permission denied: the pusher runs as uid %u, and %s belongs to uid %u "
                   "with mode %04o (NetAlertX runs as uid %d: run the pusher as its uid)",
                   s->path, (unsigned)geteuid(), path, (unsigned)st.st_uid,
                   (unsigned)st.st_mode & 07777, NETALERTX_UID);
}

static sh_err fail_unread(const source *s, const sh_error *reason, sh_error *error)
{
    switch (reason->code) {
    case SH_E_NOT_FOUND:
        return fail_missing(s, error);
    case SH_E_IO:
        if (access(s->path, R_OK) != 0 && errno == EACCES)
            return fail_not_permitted(s, error);
        return sh_fail(error, SH_E_IO, "%s (%s)", reason->message, setting_of(s));
    default:
        return sh_fail(error, reason->code, "%s", reason->message);
    }
}

/* Whether a row has the key dev_MAC, which NetAlertX wrote before November 2024. */
static bool has_old_key(sh_slice row)
{
    static const char name[] = "\"dev_MAC\"";
    const char *found = memmem(row.data, row.len, name, sizeof name - 1);
    if (found == NULL)
        return false;
    const char *behind = found + sizeof name - 1;
    sh_slice rest = sh_slice_trim((sh_slice){behind, (size_t)(row.data + row.len - behind)});
    return rest.len > 0 && rest.data[0] == ':';
}

static sh_err check_schema(const source *s, const source_text *text, sh_error *error)
{
    sh_table_scan scan;
    sh_table_row row;
    bool more = false;
    if (sh_table_scan_init(&scan, text->text.data, text->text.len, NULL) != SH_OK ||
        sh_table_scan_next(&scan, &row, &more, NULL) != SH_OK || !more)
        return SH_OK;
    if (row.kind == SH_ROW_MAC_NONE && has_old_key(row.text))
        return sh_fail(error, SH_E_FORMAT,
                       "%s has the columns of a NetAlertX older than November 2024 (dev_MAC, …): "
                       "update this node's NetAlertX",
                       s->path);
    return SH_OK;
}

/* SH_E_BUSY while the table may still be growing. */
static sh_err check_table(const source *s, bool last_try, source_text *text, sh_error *error)
{
    sh_error reason = {0};
    sh_err err = sh_table_check(text->text.data, text->text.len, &text->rows, &reason);
    if (err == SH_OK)
        return check_schema(s, text, error);
    if (err != SH_E_FORMAT)
        return sh_fail(error, err, "%s: %s", s->path, reason.message);
    if (sh_slice_trim((sh_slice){text->text.data, text->text.len}).len == 0)
        return sh_fail(error, SH_E_BUSY, "%s is empty; it may still be being written", s->path);
    sh_table_scan scan;
    bool begins_well = sh_table_scan_init(&scan, text->text.data, text->text.len, NULL) == SH_OK;
    if (!begins_well && (last_try || text->text.len >= TABLE_HEAD_BYTES))
        return sh_fail(error, SH_E_FORMAT,
                       "%s is not a device table: %s. SYNC_devices_file must name NetAlertX's "
                       "table_devices.json, which has the form {\"data\": [...]}",
                       s->path, reason.message);
    return sh_fail(error, SH_E_BUSY, "%s is truncated: %s; it may still be being written", s->path,
                   reason.message);
}

/* Whether the text ends with an incomplete line. */
static bool last_line_is_cut(sh_slice text)
{
    if (text.len == 0 || text.data[text.len - 1] == '\n')
        return false;
    const char *newline = memrchr(text.data, '\n', text.len);
    const char *begin = newline == NULL ? text.data : newline + 1;
    size_t columns = 1;
    for (const char *at = begin; at < text.data + text.len; at++)
        columns += *at == '|';
    return columns != 9 && columns != 13;
}

static sh_err check_plugin(const source *s, bool last_try, source_text *text, sh_error *error)
{
    sh_slice content = {text->text.data, text->text.len};
    if (sh_slice_trim(content).len == 0) {
        sh_buf_clear(&text->text);
        /* Probably just truncated in order to be written: its lines will follow. */
        return last_try ? SH_OK : sh_fail(error, SH_E_BUSY, "%s is empty", s->path);
    }
    if (!last_try && last_line_is_cut(content))
        return sh_fail(error, SH_E_BUSY, "%s ends inside a line", s->path);
    sh_error reason = {0};
    sh_err err = sh_plugin_text_check(content.data, content.len, &reason);
    if (err != SH_OK)
        return sh_fail(error, err, "%s is not a plugin result and was not sent: %s", s->path,
                       reason.message);
    return SH_OK;
}

static sh_err wait_until_stable(const source *s, source_wait wait, sh_error *error)
{
    for (int turn = 0; turn < SETTLE_TURNS; turn++) { /* file times lag */
        sh_file_stamp stamp;
        /* The following read reports a failure. */
        if (sh_file_stamp_get(s->path, &stamp, NULL) != SH_OK)
            return SH_OK;
        int64_t ms = sh_file_stamp_settle_ms(&stamp);
        if (ms == 0)
            return SH_OK;
        if (wait(ms))
            return sh_fail(error, SH_E_STOPPED, "%s was not read: stopping", s->path);
    }
    return SH_OK;
}

static sh_err read_once(const source *s, bool last_try, source_text *ret, sh_error *error)
{
    sh_buf_clear(&ret->text);
    ret->rows = 0;
    sh_error reason = {0};
    sh_file_stamp before;
    bool seen = sh_file_stamp_get(s->path, &before, NULL) == SH_OK;
    bool settled = !seen || sh_file_stamp_settle_ms(&before) == 0;
    if (sh_file_read(s->path, &ret->text, &ret->stamp, &reason) != SH_OK)
        return fail_unread(s, &reason, error);
    if (!settled || (seen && !sh_file_stamp_equals(&before, &ret->stamp)))
        return sh_fail(error, SH_E_BUSY, "%s is being written continuously", s->path);
    sh_err err = s->kind == SH_KIND_DEVICES ? check_table(s, last_try, ret, error)
                                            : check_plugin(s, last_try, ret, error);
    if (err != SH_OK)
        return err;
    sh_file_stamp now;
    err = sh_file_stamp_get(s->path, &now, error);
    if (err != SH_OK)
        return err;
    if (!sh_file_stamp_equals(&ret->stamp, &now))
        return sh_fail(error, SH_E_BUSY, "%s was written to while it was read", s->path);
    return SH_OK;
}

/* After a half-done write the rest follows soon; later waits may be longer. */
static int64_t wait_before_ms(unsigned try)
{
    int64_t ms = SOURCE_WAIT_FIRST_MS;
    for (unsigned i = 2; i < try && ms < SOURCE_WAIT_MS; i++)
        ms *= 2;
    return ms < SOURCE_WAIT_MS ? ms : SOURCE_WAIT_MS;
}

sh_err source_read(const source *s, source_wait wait, source_text *ret, sh_error *error)
{
    for (unsigned try = 1;; try++) {
        sh_err err = wait_until_stable(s, wait, error);
        if (err != SH_OK)
            return err;
        sh_error reason = {0};
        err = read_once(s, try == SOURCE_TRIES, ret, &reason);
        if (err == SH_OK)
            return SH_OK;
        if (err != SH_E_BUSY || try == SOURCE_TRIES)
            return sh_fail(error, err, "%s", reason.message);
        if (wait(wait_before_ms(try + 1)))
            return sh_fail(error, SH_E_STOPPED, "%s was not read: stopping", s->path);
    }
}
