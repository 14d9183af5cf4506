/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/merge/consumer_name.h"

#include "libcommon/base/hex.h"
#include "libcommon/base/text.h"
#include "libcommon/crypto/crypto.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define CONSUMERS_MAX 1000
#define BOOT_ID_BYTES 64

#define GROUP_BYTES 16

/* A hash that distinguishes groups without revealing the password that the URL may contain. */
static void name_group(const char *redis_url, const char *prefix,
                       char ret[static 2 * GROUP_BYTES + 1])
{
    uint8_t url[SH_KEY_BYTES];
    uint8_t group[GROUP_BYTES];
    sh_keyed_hash(NULL, sh_slice_of(redis_url), url, sizeof url);
    sh_keyed_hash(url, sh_slice_of(prefix), group, sizeof group);
    sh_hex_encode(group, sizeof group, ret);
}

/* Binds the abstract socket name `synchub:<group>:<number>`; false if another process has it. */
static bool hold(int fd, const char *group, int number)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int len =
        snprintf(address.sun_path + 1, sizeof address.sun_path - 1, "synchub:%s:%d", group, number);
    if (len < 0 || (size_t)len >= sizeof address.sun_path - 1)
        return false;
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)len);
    return bind(fd, (const struct sockaddr *)&address, size) == 0;
}

void consumer_name_write(const consumer_place *place, int number,
                         char ret[static CONSUMER_NAME_BYTES])
{
    char text[256], hex[9];
    uint8_t hash[16];
    (void)snprintf(text, sizeof text, "%s %" PRIu64 " %s", place->boot_id, place->network_namespace,
                   place->group);
    sh_keyed_hash(NULL, sh_slice_of(text), hash, sizeof hash);
    sh_hex_encode(hash, 4, hex);
    (void)snprintf(ret, CONSUMER_NAME_BYTES, "%.64s-%s-%d", place->host, hex, number);
}

/* Reads the kernel's boot id; "" if it is unavailable, as without /proc. */
static void read_boot_id(char ret[static BOOT_ID_BYTES])
{
    FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");
    if (file == NULL || fgets(ret, BOOT_ID_BYTES, file) == NULL)
        ret[0] = '\0';
    if (file != NULL)
        (void)fclose(file);
}

sh_err consumer_name_take(const char *redis_url, const char *prefix,
                          char ret[static CONSUMER_NAME_BYTES], int *fd, sh_error *error)
{
    char group[2 * GROUP_BYTES + 1];
    name_group(redis_url, prefix, group);
    char host[65] = "";
    if (gethostname(host, sizeof host - 1) != 0 || host[0] == '\0')
        return sh_fail(error, SH_E_IO, "the host has no name: %s", strerror(errno));
    int socket_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (socket_fd < 0)
        return sh_fail(error, SH_E_IO, "could not reserve a consumer name: %s", strerror(errno));
    int number = 1;
    while (number <= CONSUMERS_MAX && !hold(socket_fd, group, number))
        number++;
    if (number > CONSUMERS_MAX) {
        (void)close(socket_fd);
        return sh_fail(error, SH_E_IO, "could not reserve a consumer name: %s", strerror(errno));
    }
    char boot_id[BOOT_ID_BYTES];
    struct stat space = {.st_ino = 0};
    read_boot_id(boot_id);
    (void)stat("/proc/self/ns/net", &space); /* optional */
    const consumer_place place = {
        .host = host, .boot_id = boot_id, .network_namespace = space.st_ino, .group = group};
    consumer_name_write(&place, number, ret);
    *fd = socket_fd;
    return SH_OK;
}
