/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/fuzz.h"

#include "libcommon/base/limits.h"
#include "libcommon/config/env_file.h"

#include <stdlib.h>
#include <string.h>

/* Settings files: names do not contain '=', values are in bounds. */

static sh_err check_assignment(void *context, sh_slice name, sh_slice value, sh_error *error)
{
    (void)error;
    fuzz_assert(name.len == 0 || memchr(name.data, '=', name.len) == NULL, "a name ends at '='");
    fuzz_assert(value.len <= SH_SETTING_MAX + 1, "a value is in bounds");
    (*(size_t *)context)++;
    return SH_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_copy(data, size);
    sh_error error = {0};
    size_t count = 0;
    sh_err err = sh_env_file_read((sh_slice){text, size}, check_assignment, &count, &error);
    fuzz_assert(err == error.code, "an error has a message");
    fuzz_assert(count <= size, "each assignment takes a byte");
    free(text);
    return 0;
}
