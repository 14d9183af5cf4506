/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/console/console_list.h"

sh_err console_list_write(const console_list *list, void *context, sh_buf *json, sh_error *error)
{
    bool more = list->count - list->first > (size_t)list->limit;
    size_t end = more ? list->first + (size_t)list->limit : list->count;
    sh_err err = sh_buf_append_text(json, "{\"items\":[");
    for (size_t i = list->first; i < end && err == SH_OK; i++) {
        err = sh_buf_append_text(json, i == list->first ? "" : ",\n");
        if (err == SH_OK)
            err = list->write(context, i, json, error);
    }
    if (err == SH_OK)
        err = sh_buf_append_text(json, "],\"next\":");
    if (err == SH_OK)
        err = more ? list->write_next(context, end - 1, json) : sh_buf_append_text(json, "null");
    return err == SH_OK ? sh_buf_append_text(json, "}\n") : err;
}
