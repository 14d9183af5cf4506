/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/fuzz.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/limits.h"
#include "libcommon/netalertx/app_conf.h"
#include "libcommon/netalertx/app_conf_list.h"

#include <stdlib.h>
#include <strings.h>

/* app.conf: only names of settings are reported, with values in bounds. Parses lists, too. */

static sh_err check_item(void *context, const sh_app_conf_item *item, sh_error *error)
{
    size_t *last_line = context;
    (void)error;
    fuzz_assert((item->name.len > 5 && strncasecmp(item->name.data, "SYNC_", 5) == 0) ||
                    (item->name.len == 9 && strncasecmp(item->name.data, "API_TOKEN", 9) == 0),
                "only names of settings are reported");
    fuzz_assert(item->line >= *last_line, "line numbers increase");
    fuzz_assert(item->value.len <= SH_SETTING_MAX, "a value is in bounds");
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
    sh_err err = sh_app_conf_read(text, size, check_item, &last_line, &error);
    fuzz_assert(err == error.code, "an error has a message");
    free(text);
    return 0;
}
