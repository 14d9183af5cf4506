/* SPDX-License-Identifier: Apache-2.0 */
#include "pusher/table_split.h"

#include "libcommon/base/limits.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define HEAD "{\"data\": ["
#define TAIL "]}"
#define FRAME_BYTES (sizeof HEAD - 1 + sizeof TAIL - 1)

static_assert(SH_ROW_MAX + FRAME_BYTES <= SH_PART_MAX,
              "any row that a hub accepts fits into a part");
static_assert(SH_PART_MAX <= SH_PLAIN_MAX && SH_PART_ROWS_MAX <= SH_ROWS_MAX,
              "a part is within the limits of a table");

sh_err sh_table_cut_init(sh_table_cut *cut, sh_slice table, sh_error *error)
{
    *cut = (sh_table_cut){.more = false};
    sh_err err = sh_table_scan_init(&cut->scan, table.data, table.len, error);
    return err == SH_OK ? sh_table_scan_next(&cut->scan, &cut->row, &cut->more, error) : err;
}

static sh_err leave_out(sh_table_cut *cut, sh_error *error)
{
    sh_err err = SH_OK;
    while (err == SH_OK && cut->more && cut->row.text.len + FRAME_BYTES > SH_PART_MAX) {
        cut->left_out++;
        err = sh_table_scan_next(&cut->scan, &cut->row, &cut->more, error);
    }
    return err;
}

sh_err sh_table_cut_next(sh_table_cut *cut, sh_slice *rows, sh_error *error)
{
    sh_err left = leave_out(cut, error);
    if (left != SH_OK)
        return left;
    *rows = (sh_slice){.data = cut->more ? cut->row.text.data : "", .len = 0};
    for (size_t count = 0; cut->more && count < SH_PART_ROWS_MAX; count++) {
        size_t len = (size_t)(cut->row.text.data - rows->data) + cut->row.text.len;
        if (len + FRAME_BYTES > SH_PART_MAX)
            break;
        rows->len = len;
        sh_err err = sh_table_scan_next(&cut->scan, &cut->row, &cut->more, error);
        if (err != SH_OK)
            return err;
    }
    return SH_OK;
}

sh_err sh_table_cut_count(sh_slice table, sh_table_cut_size *ret, sh_error *error)
{
    sh_table_cut cut;
    sh_slice rows = {.len = 0};
    *ret = (sh_table_cut_size){.parts = 0};
    sh_err err = sh_table_cut_init(&cut, table, error);
    do {
        if (err == SH_OK)
            err = sh_table_cut_next(&cut, &rows, error);
        ret->parts += rows.len > 0;
    } while (err == SH_OK && rows.len > 0);
    ret->parts = ret->parts == 0 ? 1 : ret->parts;
    ret->left_out = cut.left_out;
    return err;
}

sh_err sh_table_part_write(sh_slice rows, sh_buf *ret)
{
    sh_err err = sh_buf_append_text(ret, HEAD);
    if (err == SH_OK)
        err = sh_buf_append(ret, rows.data, rows.len);
    return err == SH_OK ? sh_buf_append_text(ret, TAIL) : err;
}

void sh_table_part_id(const uint8_t table[static SH_ID_BYTES], uint32_t part,
                      uint8_t ret[static SH_ID_BYTES])
{
    uint8_t seed[SH_ID_BYTES + 1 + sizeof part];
    memcpy(seed, table, SH_ID_BYTES);
    (void)snprintf((char *)seed + SH_ID_BYTES, sizeof seed - SH_ID_BYTES, "%04x", (unsigned)part);
    sh_keyed_hash(NULL, (sh_slice){(const char *)seed, sizeof seed}, ret, SH_ID_BYTES);
}
