/* SPDX-License-Identifier: Apache-2.0 */
#include "pusher/mac_set.h"

#include "libcommon/base/buffer.h"
#include "libcommon/base/cleanup.h"
#include "libcommon/base/limits.h"
#include "libcommon/json/json_read.h"
#include "libcommon/netalertx/mac.h"
#include "libcommon/netalertx/table_scan.h"
#include "libcommon/os/file.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The file: 8 bytes of magic, 16 of the owner's hash, then the hashes. */
static const char magic[8] = "SHMACS1\n";
#define HEADER_BYTES (sizeof magic + MAC_SET_HASH_BYTES)
#define FILE_BYTES_MAX (HEADER_BYTES + (size_t)SH_ROWS_MAX * MAC_SET_HASH_BYTES)

void mac_set_reset(mac_set *set)
{
    if (set == NULL)
        return;
    free(set->hashes);
    *set = (mac_set){0};
}

static int compare_hashes(const void *a, const void *b)
{
    return memcmp(a, b, MAC_SET_HASH_BYTES);
}

static void sort_and_dedupe(mac_set *set)
{
    if (set->count == 0)
        return;
    qsort(set->hashes, set->count, MAC_SET_HASH_BYTES, compare_hashes);
    size_t kept = 1;
    for (size_t i = 1; i < set->count; i++)
        if (memcmp(set->hashes[kept - 1], set->hashes[i], MAC_SET_HASH_BYTES) != 0)
            memmove(set->hashes[kept++], set->hashes[i], MAC_SET_HASH_BYTES);
    set->count = kept;
}

/* The key of a row that needs parsing: a number, or text with escapes. */
static bool unclear_mac(sh_slice row, sh_mac *ret)
{
    SH_CLEANUP(sh_json_free_cleanup) sh_json *document = NULL;
    if (sh_json_parse(row.data, row.len, &document, NULL) != SH_OK)
        return false;
    const sh_json *value = sh_json_member(document, "devMac");
    if (value == NULL)
        return false;
    char number[32];
    switch (sh_json_kind_of(value)) {
    case SH_JSON_STRING:
        return sh_mac_read(sh_json_text(value), ret, NULL) == SH_OK;
    case SH_JSON_INTEGER:
        (void)snprintf(number, sizeof number, "%" PRId64, sh_json_integer(value));
        return sh_mac_read(sh_slice_of(number), ret, NULL) == SH_OK;
    case SH_JSON_REAL:
        (void)snprintf(number, sizeof number, "%.17g", sh_json_real(value));
        return sh_mac_read(sh_slice_of(number), ret, NULL) == SH_OK;
    default:
        return false;
    }
}

static bool row_mac(const sh_table_row *row, sh_mac *ret)
{
    switch (row->kind) {
    case SH_ROW_MAC_TEXT:
        return sh_mac_read(row->mac, ret, NULL) == SH_OK;
    case SH_ROW_MAC_UNCLEAR:
        return unclear_mac(row->text, ret);
    default:
        return false;
    }
}

static void hash_mac(const uint8_t *key, sh_mac *mac, uint8_t ret[MAC_SET_HASH_BYTES])
{
    /* Keys are compared without regard to ASCII case. */
    for (size_t i = 0; i < mac->len; i++)
        if (mac->text[i] >= 'A' && mac->text[i] <= 'Z')
            mac->text[i] = (char)(mac->text[i] - 'A' + 'a');
    sh_keyed_hash(key, (sh_slice){mac->text, mac->len}, ret, MAC_SET_HASH_BYTES);
}

sh_err mac_set_of_table(const uint8_t key[static SH_KEY_BYTES], sh_slice table, mac_set *ret,
                        sh_error *error)
{
    *ret = (mac_set){0};
    size_t rows = 0;
    sh_err err = sh_table_check(table.data, table.len, &rows, error);
    if (err != SH_OK || rows == 0)
        return err;
    mac_set set = {.hashes = calloc(rows, MAC_SET_HASH_BYTES)};
    if (set.hashes == NULL)
        return sh_fail(error, SH_E_MEMORY, "no memory for %zu device keys", rows);
    sh_table_scan scan;
    sh_table_row row;
    bool more = false;
    err = sh_table_scan_init(&scan, table.data, table.len, error);
    while (err == SH_OK && (err = sh_table_scan_next(&scan, &row, &more, error)) == SH_OK && more) {
        sh_mac mac;
        if (set.count < rows && row_mac(&row, &mac))
            hash_mac(key, &mac, set.hashes[set.count++]);
    }
    if (err != SH_OK) {
        mac_set_reset(&set);
        return err;
    }
    sort_and_dedupe(&set);
    *ret = set;
    return SH_OK;
}

size_t mac_set_count_missing(const mac_set *known, const mac_set *of)
{
    size_t missing = 0, at = 0;
    for (size_t i = 0; i < of->count; i++) {
        while (at < known->count && compare_hashes(known->hashes[at], of->hashes[i]) < 0)
            at++;
        missing += at == known->count || compare_hashes(known->hashes[at], of->hashes[i]) != 0;
    }
    return missing;
}

sh_err mac_set_merge(mac_set *known, const mac_set *more, sh_error *error)
{
    size_t count = known->count + mac_set_count_missing(known, more);
    bool keep_known = count <= SH_ROWS_MAX;
    size_t room = keep_known ? known->count + more->count : more->count;
    if (room == 0)
        return SH_OK;
    mac_set merged = {.hashes = calloc(room, MAC_SET_HASH_BYTES)};
    if (merged.hashes == NULL)
        return sh_fail(error, SH_E_MEMORY, "no memory for %zu device keys", room);
    if (keep_known && known->count > 0) {
        memcpy(merged.hashes, known->hashes, known->count * MAC_SET_HASH_BYTES);
        merged.count = known->count;
    }
    if (more->count > 0)
        memcpy(merged.hashes[merged.count], more->hashes, more->count * MAC_SET_HASH_BYTES);
    merged.count += more->count;
    sort_and_dedupe(&merged);
    mac_set_reset(known);
    *known = merged;
    return SH_OK;
}

sh_err mac_set_load(const char *path, sh_slice owner, mac_set *ret, sh_error *error)
{
    *ret = (mac_set){0};
    SH_CLEANUP(sh_buf_reset) sh_buf content = SH_BUF_INIT(FILE_BYTES_MAX);
    sh_error reason = {0};
    sh_err err = sh_file_read_own(path, &content, &reason);
    if (err == SH_E_NOT_FOUND)
        return SH_OK;
    if (err != SH_OK)
        return sh_fail(error, err, "%s", reason.message);
    if (content.len < HEADER_BYTES || memcmp(content.data, magic, sizeof magic) != 0 ||
        (content.len - HEADER_BYTES) % MAC_SET_HASH_BYTES != 0)
        return sh_fail(error, SH_E_FORMAT, "%s is damaged", path);
    uint8_t owner_hash[MAC_SET_HASH_BYTES];
    sh_keyed_hash(NULL, owner, owner_hash, sizeof owner_hash);
    size_t count = (content.len - HEADER_BYTES) / MAC_SET_HASH_BYTES;
    if (memcmp(content.data + sizeof magic, owner_hash, sizeof owner_hash) != 0 || count == 0)
        return SH_OK;
    ret->hashes = calloc(count, MAC_SET_HASH_BYTES);
    if (ret->hashes == NULL)
        return sh_fail(error, SH_E_MEMORY, "no memory for %zu device keys", count);
    memcpy(ret->hashes, content.data + HEADER_BYTES, count * MAC_SET_HASH_BYTES);
    ret->count = count;
    sort_and_dedupe(ret);
    return SH_OK;
}

sh_err mac_set_save(const char *path, sh_slice owner, const mac_set *set, sh_error *error)
{
    uint8_t owner_hash[MAC_SET_HASH_BYTES];
    sh_keyed_hash(NULL, owner, owner_hash, sizeof owner_hash);
    SH_CLEANUP(sh_buf_reset) sh_buf content = SH_BUF_INIT(FILE_BYTES_MAX);
    sh_err err = sh_buf_append(&content, magic, sizeof magic);
    if (err == SH_OK)
        err = sh_buf_append(&content, owner_hash, sizeof owner_hash);
    if (err == SH_OK && set->count > 0)
        err = sh_buf_append(&content, set->hashes, set->count * MAC_SET_HASH_BYTES);
    if (err != SH_OK)
        return sh_fail(error, err, "%s: no memory to write it", path);
    return sh_file_write(path, (sh_slice){content.data, content.len}, 0600, error);
}
