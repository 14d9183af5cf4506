/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/runtime/doctor_network.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/clock.h"
#include "libcommon/base/limits.h"
#include "libcommon/http/proxy_environment.h"
#include "libcommon/http/url.h"
#include "libcommon/os/host_addresses.h"

#include <errno.h>
#include <inttypes.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CERTIFICATE_WARN_DAYS 21
#define DAY_S 86400
#define PROXY_PORT 1080 /* curl's default */

static bool is_https(const char *url)
{
    return strncasecmp(url, "https://", 8) == 0;
}

static void check_encryption(sh_doctor_report *report, const sh_doctor_peer *peer,
                             const sh_url *url)
{
    char remedy[256];
    (void)snprintf(remedy, sizeof remedy,
                   "write https:// in %s (SYNC_tls_cert on the %s, or a proxy in front of it)",
                   peer->setting, peer->peer);
    if (is_https(peer->url))
        sh_doctor_add_format(report, SH_CHECK_OK, "encryption", NULL, "%s is https", peer->setting);
    else if (sh_url_is_loopback(url))
        sh_doctor_add_format(report, SH_CHECK_OK, "encryption", NULL,
                             "%s is http on this machine only", peer->setting);
    else
        sh_doctor_add_format(report, SH_CHECK_WARNING, "encryption", remedy,
                             "%s is http: an eavesdropper can read the token", peer->setting);
}

/* The connection's error, 0 if it is made. */
static int connect_to(const char *address, uint16_t port, int64_t timeout_ms)
{
    char service[8];
    const struct addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST};
    struct addrinfo *found = NULL;
    (void)snprintf(service, sizeof service, "%u", (unsigned)port);
    if (getaddrinfo(address, service, &hints, &found) != 0)
        return EADDRNOTAVAIL;
    SH_CLEANUP(sh_close_cleanup)
    int fd = socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int failure = fd < 0 || connect(fd, found->ai_addr, found->ai_addrlen) != 0 ? errno : 0;
    freeaddrinfo(found);
    if (failure != EINPROGRESS)
        return failure;
    struct pollfd connected = {.fd = fd, .events = POLLOUT};
    int ready = poll(&connected, 1, (int)timeout_ms);
    socklen_t len = sizeof failure;
    if (ready == 0)
        return ETIMEDOUT;
    if (ready < 0 || getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &len) != 0)
        return errno;
    return failure;
}

/* Tries the addresses in turn, as the programs do. proxy: the variable that has it, or NULL. */
static bool check_connection(sh_doctor_report *report, const sh_doctor_peer *peer,
                             const char *proxy, const sh_host_addresses *addresses, uint16_t port)
{
    char remedy[320];
    int failure = 0;
    for (size_t i = 0; i < addresses->count; i++) {
        failure = connect_to(addresses->text[i], port, peer->timeout_ms);
        if (failure != 0)
            continue;
        sh_doctor_add_format(report, SH_CHECK_OK, "connection", NULL, "%s port %u accepts it",
                             addresses->text[i], (unsigned)port);
        return true;
    }
    if (proxy != NULL)
        (void)snprintf(remedy, sizeof remedy,
                       "check the proxy in %s and that it runs, or add the %s's host to no_proxy",
                       proxy, peer->peer);
    else
        (void)snprintf(
            remedy, sizeof remedy,
            "check host and port in %s, that the %s runs there, and the firewalls between",
            peer->setting, peer->peer);
    sh_doctor_add_format(report, SH_CHECK_FAILED, "connection", remedy, "%s port %u: %s",
                         addresses->text[0], (unsigned)port, strerror(failure));
    return false;
}

bool sh_doctor_check_reach(sh_doctor_report *report, const sh_doctor_peer *peer)
{
    sh_url url, at;
    sh_proxy proxy;
    sh_host_addresses addresses = {.count = 0};
    sh_error error = {.code = SH_OK};
    const char *why = "";
    char remedy[320];
    if (sh_url_read(sh_slice_of(peer->url), &url, &error) != SH_OK) {
        sh_doctor_add(report, SH_CHECK_FAILED, peer->setting, error.message, "correct it");
        return false;
    }
    check_encryption(report, peer, &url);
    sh_proxy_of(peer->url, &proxy);
    at = url;
    if (proxy.variable != NULL) {
        sh_doctor_add_format(report, SH_CHECK_OK, "proxy", NULL, "%s, of the variable %s",
                             proxy.shown, proxy.variable);
        if (sh_url_read(sh_slice_of(proxy.shown), &at, NULL) != SH_OK)
            return true; /* without a scheme: curl knows how to read it */
    } else {
        sh_doctor_add(report, SH_CHECK_OK, "proxy", "none", NULL);
    }
    uint16_t otherwise = proxy.variable != NULL ? PROXY_PORT : is_https(peer->url) ? 443 : 80;
    uint16_t port = at.port != 0 ? at.port : otherwise;
    if (!sh_host_resolve(at.host, &addresses, &why)) {
        (void)snprintf(remedy, sizeof remedy,
                       "correct the host in %s, or this machine's name servers",
                       proxy.variable != NULL ? proxy.variable : peer->setting);
        sh_doctor_add_format(report, SH_CHECK_FAILED, "name resolution", remedy, "%s: %s", at.host,
                             why);
        return false;
    }
    sh_doctor_add_format(report, SH_CHECK_OK, "name resolution", NULL, "%s is %s", at.host,
                         addresses.text[0]);
    return check_connection(report, peer, proxy.variable, &addresses, port);
}

void sh_doctor_check_certificate(sh_doctor_report *report, const sh_doctor_peer *peer,
                                 int64_t end_s, int64_t now_ms)
{
    char when[SH_RFC3339_BYTES], remedy[256];
    int64_t left_days = (end_s - now_ms / 1000) / DAY_S;
    if (!is_https(peer->url))
        return;
    if (end_s == 0) {
        sh_doctor_add(report, SH_CHECK_OK, "certificate", "trusted, and of that name", NULL);
        return;
    }
    sh_clock_rfc3339(end_s * 1000, when);
    (void)snprintf(remedy, sizeof remedy, "renew the certificate of the %s", peer->peer);
    sh_doctor_add_format(report, left_days < CERTIFICATE_WARN_DAYS ? SH_CHECK_WARNING : SH_CHECK_OK,
                         "certificate", left_days < CERTIFICATE_WARN_DAYS ? remedy : NULL,
                         "trusted, and of that name, until %s (%" PRId64 " days)", when, left_days);
}
