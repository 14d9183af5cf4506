/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/utf8.h"
#include "tests/fuzz/fuzz.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/limits.h"
#include "libcommon/json/json_write.h"
#include "libcommon/netalertx/app_conf_list.h"

#include <stdlib.h>
#include <string.h>

/* Lists: entries are never empty, and the list written as JSON is parsed to the same list. */

static void write_list(const sh_list *list, sh_buf *out)
{
    sh_err err = sh_buf_append_text(out, "[");
    for (size_t i = 0; err == SH_OK && i < list->count; i++) {
        if (i > 0)
            err = sh_buf_append_text(out, ",");
        if (err == SH_OK)
            err = sh_json_write_string(out, sh_slice_of(list->items[i]));
    }
    if (err == SH_OK)
        err = sh_buf_append_text(out, "]");
    fuzz_assert(err == SH_OK, "a list can be written");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_copy(data, size);
    sh_list list = {0};
    sh_list again = {0};
    sh_error error = {0};
    sh_err err = sh_list_read((sh_slice){text, size}, &list, &error);
    fuzz_assert(err == error.code, "an error has a message");
    bool utf8 = true;
    for (size_t i = 0; err == SH_OK && i < list.count; i++) {
        fuzz_assert(list.items[i][0] != '\0', "no entry is empty");
        utf8 = utf8 && sh_utf8_is_valid(list.items[i], strlen(list.items[i]));
    }
    if (err == SH_OK && utf8) {
        SH_CLEANUP(sh_buf_reset) sh_buf out = SH_BUF_INIT(16 * SH_MIB);
        write_list(&list, &out);
        fuzz_assert(sh_list_read((sh_slice){out.data, out.len}, &again, NULL) == SH_OK &&
                        again.count == list.count,
                    "a written list is parsed to the same length");
        for (size_t i = 0; i < list.count; i++)
            fuzz_assert(strcmp(list.items[i], again.items[i]) == 0,
                        "a written list is parsed to the same entries");
    }
    sh_list_reset(&list);
    sh_list_reset(&again);
    free(text);
    return 0;
}
