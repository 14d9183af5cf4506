/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/config/node_entry.h"

#include "libcommon/base/node_name.h"
#include "libcommon/http/url.h"

#include <stdbool.h>
#include <string.h>

static bool begins_with_http(const char *text)
{
    return strncasecmp(text, "http://", 7) == 0 || strncasecmp(text, "https://", 8) == 0;
}

/*
 * The '=' between name and URL, or NULL. A name can contain '=' but not '/', so it is the first one
 * that is followed by a URL.
 */
static const char *find_name_end(const char *entry)
{
    if (begins_with_http(entry))
        return NULL;
    const char *first = strchr(entry, '=');
    for (const char *p = first; p != NULL; p = strchr(p + 1, '=')) {
        const char *after = p + 1 + strspn(p + 1, " ");
        if (begins_with_http(after))
            return p;
    }
    return first;
}

sh_err sh_node_entry_read(const char *entry, sh_slice *name, sh_slice *url, sh_error *error)
{
    const char *end = find_name_end(entry);
    sh_slice name_part = {.data = entry, .len = 0};
    sh_slice url_part = sh_slice_trim(sh_slice_of(end == NULL ? entry : end + 1));
    if (end != NULL) {
        name_part = sh_slice_trim((sh_slice){.data = entry, .len = (size_t)(end - entry)});
        sh_err err = sh_node_name_check(name_part, error);
        if (err != SH_OK)
            return err;
    }
    sh_err err = sh_url_check_http(url_part, error);
    if (err != SH_OK)
        return err;
    *name = name_part;
    *url = url_part;
    return SH_OK;
}
