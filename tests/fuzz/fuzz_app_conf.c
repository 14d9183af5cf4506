/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/fuzz.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/limits.h"
#include "libcommon/netalertx/app_conf.h"
#include "libcommon/netalertx/list.h"

#include <stdlib.h>
#include <strings.h>

/* app.conf: only our names come out, each with a value in bounds; a list is read further. */

static sh_err take(void *context, const sh_app_conf_item *item, sh_error *error)
{
    size_t *last_line = context;
    (void)error;
    fuzz_must((item->name.len > 5 && strncasecmp(item->name.data, "SYNC_", 5) == 0) ||
                  (item->name.len == 9 && strncasecmp(item->name.data, "API_TOKEN", 9) == 0),
              "the names are ours");
    fuzz_must(item->line >= *last_line, "lines are counted upwards");
    fuzz_must(item->value.len <= SH_SETTING_MAX, "a value is in bounds");
    *last_line = item->line;
    if (item->is_list) {
        sh_list list = {0};
        (void)sh_list_read(item->value, &list, NULL);
        sh_list_reset(&list);
    }
    return SH_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_copy(data, size);
    sh_error error = {0};
    size_t last_line = 1;
    sh_err err = sh_app_conf_read(text, size, take, &last_line, &error);
    fuzz_must(err == error.code, "a failure has words");
    free(text);
    return 0;
}
