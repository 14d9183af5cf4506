/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/cleanup.h"
#include "libcommon/base/limits.h"
#include "libcommon/config/settings_source.h"
#include "libcommon/json/json_scan.h"
#include "libcommon/os/file.h"

#include <string.h>

/* Writes a value as Python's str() does; a list stays JSON, which is also valid for lists. */
static sh_err put_member(void *context, const sh_json_scan_member *member, sh_error *error)
{
    sh_source *source = context;
    if (member->key_escaped || !sh_source_is_setting_name(member->key))
        return SH_OK;
    SH_CLEANUP(sh_buf_wipe) sh_buf text = SH_BUF_INIT(SH_CONFIG_FILE_MAX);
    sh_slice value = member->value;
    sh_err err = SH_OK;
    switch (member->type) {
    case SH_JSON_SCAN_STRING:
        err = sh_json_unescape(member->value, &text);
        value = (sh_slice){text.data == NULL ? "" : text.data, text.len};
        break;
    case SH_JSON_SCAN_BOOLEAN:
        value = value.data[0] == 't' ? SH_SLICE("True") : SH_SLICE("False");
        break;
    case SH_JSON_SCAN_NULL:
        value = SH_SLICE("");
        break;
    default:
        break;
    }
    if (err == SH_E_FORMAT)
        return sh_fail(error, err, "%.*s contains a NUL or an unpaired surrogate",
                       (int)member->key.len, member->key.data);
    if (err != SH_OK)
        return sh_fail(error, SH_E_MEMORY, "out of memory");
    return sh_source_set(source, member->key, value, member->type == SH_JSON_SCAN_ARRAY, error);
}

sh_err sh_source_from_json(sh_slice text, sh_source *ret, sh_error *error)
{
    return sh_json_scan(text, put_member, ret, error);
}

sh_err sh_source_from_override(const char *path, sh_source *ret, sh_file_stamp *stamp,
                               sh_error *why, sh_error *error)
{
    SH_CLEANUP(sh_buf_wipe) sh_buf content = SH_BUF_INIT(SH_CONFIG_FILE_MAX);
    sh_error reason = {0};
    *stamp = (sh_file_stamp){.exists = false};
    sh_err err = sh_file_read(path, &content, stamp, &reason);
    if (err == SH_E_NOT_FOUND)
        return SH_OK;
    if (err == SH_OK)
        err = sh_source_from_json((sh_slice){content.data == NULL ? "" : content.data, content.len},
                                  ret, why);
    else if (err != SH_E_MEMORY)
        return sh_fail(error, SH_E_CONFIG, "%s", reason.message);
    if (err == SH_E_MEMORY)
        return sh_fail(error, err, "out of memory");
    if (err != SH_OK)
        sh_source_reset(ret); /* ignore the whole file */
    return SH_OK;
}
