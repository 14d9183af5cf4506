/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/native/node_name.h"
#include "tests/fuzz/fuzz.h"

#include "libcommon/config/listen_address.h"
#include "libcommon/config/node_entry.h"
#include "libcommon/http/url.h"

#include <stdlib.h>
#include <string.h>

/* URLs, entries of SYNC_nodes, addresses to listen on; and no password in any message. */

static void read_url(sh_slice text)
{
    sh_url url;
    sh_error error = {0};
    sh_err err = sh_url_read(text, &url, &error);
    fuzz_must(err == error.code, "a failure has words");
    if (err != SH_OK)
        return;
    (void)sh_url_is_loopback(&url);
    fuzz_must(strlen(url.host) < sizeof url.host && strlen(url.path) < sizeof url.path,
              "the parts are texts");
    fuzz_must(url.path[0] == '\0' || url.path[0] == '/' || url.path[0] == '?',
              "a path begins like one");
    sh_error refused = {0};
    if (sh_url_check_http(text, &refused) == SH_OK)
        fuzz_must(url.user[0] == '\0' && url.password[0] == '\0' && url.host[0] != '\0' &&
                      (strcmp(url.scheme, "http") == 0 || strcmp(url.scheme, "https") == 0),
                  "a URL of a peer is http, without a user");
    else if (strlen(url.password) >= 6 && strpbrk(url.password, "!;{}~") != NULL)
        /* Others, such as `password`, are words of ours, too. */
        fuzz_must(strstr(refused.message, url.password) == NULL, "no message tells a password");
}

static void read_node(const uint8_t *data, size_t size)
{
    sh_slice name;
    sh_slice url;
    char *entry = malloc(size + 1);
    fuzz_must(entry != NULL, "there is memory");
    if (size > 0)
        memcpy(entry, data, size);
    entry[size] = '\0';
    if (sh_node_entry_read(entry, &name, &url, NULL) == SH_OK) {
        fuzz_must(sh_url_check_http(url, NULL) == SH_OK, "an entry's URL is good");
        fuzz_must(name.len == 0 || sh_node_name_check(name, NULL) == SH_OK,
                  "an entry's name is good");
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
        fuzz_must(host[0] != '\0' && strlen(host) < sizeof host, "there is an address");
    free(copy);
    return 0;
}
