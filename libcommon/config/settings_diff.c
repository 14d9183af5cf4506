/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/config/settings_diff.h"

#include "libcommon/config/settings_table.h"

#include <string.h>

static bool lists_differ(const sh_list *a, const sh_list *b)
{
    bool differ = a->count != b->count;
    for (size_t i = 0; i < a->count && !differ; i++)
        differ = strcmp(a->items[i], b->items[i]) != 0;
    return differ;
}

static bool values_differ(const sh_setting *row, const void *a, const void *b)
{
    switch (row->kind) {
    case SH_SETTING_TEXT:
    case SH_SETTING_SECRET:
    case SH_SETTING_URL:
        return strcmp(*(char *const *)a, *(char *const *)b) != 0;
    case SH_SETTING_BOOLEAN:
        return *(const bool *)a != *(const bool *)b;
    case SH_SETTING_NUMBER:
    case SH_SETTING_DURATION:
        return *(const int64_t *)a != *(const int64_t *)b;
    case SH_SETTING_CHOICE:
        return *(const int *)a != *(const int *)b;
    case SH_SETTING_LIST:
        return lists_differ(a, b);
    }
    return false;
}

bool sh_setting_differs(const sh_setting *row, const sh_settings *a, const sh_settings *b)
{
    return values_differ(row, sh_setting_field_const(row, a), sh_setting_field_const(row, b));
}

sh_err sh_settings_differ(const sh_settings *a, const sh_settings *b, int program, sh_buf *ret)
{
    sh_err err = SH_OK;
    for (size_t i = 0; i < sh_setting_count && err == SH_OK; i++) {
        const sh_setting *row = &sh_setting_table[i];
        if ((row->programs & program) != 0 && sh_setting_differs(row, a, b))
            err = sh_buf_append_format(ret, "%s%s", ret->len == 0 ? "" : ", ", row->name);
    }
    return err;
}
