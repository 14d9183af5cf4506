/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/node_name.h"
#include "tests/fuzz/fuzz.h"

#include "libcommon/config/listen_address.h"
#include "libcommon/config/node_entry.h"
#include "libcommon/http/url.h"

#include <stdlib.h>
#include <string.h>

/* URLs, entries of SYNC_nodes and listen addresses. Messages never contain a password. */

static void read_url(sh_slice text)
{
    sh_url url;
    sh_error error = {0};
    sh_err err = sh_url_read(text, &url, &error);
    fuzz_assert(err == error.code, "an error has a message");
    if (err != SH_OK)
        return;
    (void)sh_url_is_loopback(&url);
    fuzz_assert(strlen(url.host) < sizeof url.host && strlen(url.path) < sizeof url.path,
                "the parts are NUL-terminated");
    fuzz_assert(url.path[0] == '\0' || url.path[0] == '/' || url.path[0] == '?',
                "a path starts with '/' or '?'");
    sh_error refused = {0};
    if (sh_url_check_http(text, &refused) == SH_OK)
        fuzz_assert(url.user[0] == '\0' && url.password[0] == '\0' && url.host[0] != '\0' &&
                        (strcmp(url.scheme, "http") == 0 || strcmp(url.scheme, "https") == 0),
                    "the URL of a peer has the scheme http or https and no user");
    else if (strlen(url.password) >= 6 && strpbrk(url.password, "!;{}~") != NULL)
        /* A common word such as `password` can also be part of the message. */
        fuzz_assert(strstr(refused.message, url.password) == NULL,
                    "no message contains the password");
}

static void read_node(const uint8_t *data, size_t size)
{
    sh_slice name;
    sh_slice url;
    char *entry = malloc(size + 1);
    fuzz_assert(entry != NULL, "malloc succeeds");
    if (size > 0)
        memcpy(entry, data, size);
    entry[size] = '\0';
    if (sh_node_entry_read(entry, &name, &url, NULL) == SH_OK) {
        fuzz_assert(sh_url_check_http(url, NULL) == SH_OK, "an entry's URL is valid");
        fuzz_assert(name.len == 0 || sh_node_name_check(name, NULL) == SH_OK,
                    "an entry's name is valid");
    }
    free(entry);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = fuzz_copy(data, size);
    sh_slice text = {copy, size};
    char host[64];
    uint16_t port;
    read_url(text);
    read_node(data, size);
    if (sh_listen_read(text, host, &port, NULL) == SH_OK)
        fuzz_assert(host[0] != '\0' && strlen(host) < sizeof host, "there is an address");
    free(copy);
    return 0;
}
