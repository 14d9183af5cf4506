/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/http/http_client_failure.h"

#include "libcommon/base/clock.h"
#include "libcommon/http/url.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define ADDRESSES_SHOWN 200

/* OpenSSL's verification results (X509_V_ERR_…, x509_vfy.h). */
enum {
    VERIFY_NOT_YET_VALID = 9,
    VERIFY_EXPIRED = 10,
    VERIFY_SELF_SIGNED = 18,
    VERIFY_SELF_SIGNED_IN_CHAIN = 19,
    VERIFY_NO_ISSUER_HERE = 20,
    VERIFY_NO_ISSUER_SENT = 21,
};

static bool detail_says(const http_client_failure *f, const char *message)
{
    return strcasestr(f->detail, message) != NULL;
}

static const char *detail_or_code(const http_client_failure *f)
{
    return f->detail[0] != '\0' ? f->detail : curl_easy_strerror(f->code);
}

static bool is_tls(const http_client_failure *f)
{
    return strncasecmp(f->url, "https:", 6) == 0;
}

static bool has_proxy(const http_client_failure *f)
{
    return f->proxy->variable != NULL;
}

/* Fails with advice for a proxy that does not work. */
static sh_err fail_proxy(const http_client_failure *f, const char *what, sh_error *error)
{
    return sh_fail(error, SH_E_NETWORK,
                   "the proxy %s, which %s names for %.*s, %s: start it, correct or unset %s, or "
                   "add the host to no_proxy",
                   f->proxy->shown, f->proxy->variable, HTTP_URL_SHOWN, f->url, what,
                   f->proxy->variable);
}

static sh_err fail_resolve(const http_client_failure *f, sh_error *error)
{
    sh_url parts;
    const char *host = sh_url_read(sh_slice_of(f->url), &parts, NULL) == SH_OK ? parts.host : "?";
    return sh_fail(error, SH_E_NETWORK,
                   "the host \"%.200s\" was not found by name (%s): check its spelling, and DNS "
                   "or /etc/hosts of this machine",
                   host, f->names->url);
}

/* The addresses that the URL's host was resolved to, unless it is one itself. */
static void print_addresses(const http_client_failure *f, char ret[static ADDRESSES_SHOWN])
{
    sh_url parts;
    ret[0] = '\0';
    if (sh_url_read(sh_slice_of(f->url), &parts, NULL) == SH_OK)
        sh_host_addresses_print(f->addresses, parts.host, ret, ADDRESSES_SHOWN);
}

static const char *connect_hint(int number)
{
    switch (number) {
    case ECONNREFUSED:
        return "nothing listens there: check host and port, and that it runs";
    case ENETUNREACH:
    case EHOSTUNREACH:
        return "check this machine's network, and the host";
    default:
        return "check host and port";
    }
}

static sh_err fail_connect(const http_client_failure *f, sh_error *error)
{
    long number = 0;
    char what[200];
    (void)curl_easy_getinfo(f->easy, CURLINFO_OS_ERRNO, &number);
    const char *reason = number != 0 ? strerror((int)number) : detail_or_code(f);
    if (has_proxy(f)) {
        (void)snprintf(what, sizeof what, "could not be reached (%.120s)", reason);
        return fail_proxy(f, what, error);
    }
    char addresses[ADDRESSES_SHOWN];
    print_addresses(f, addresses);
    return sh_fail(error, SH_E_NETWORK, "could not connect to %.*s%s: %s; %s (%s)", HTTP_URL_SHOWN,
                   f->url, addresses, reason, connect_hint((int)number), f->names->url);
}

/* Nothing accepted the connection in time. */
static sh_err fail_unreached(const http_client_failure *f, int64_t ms, sh_error *error)
{
    if (has_proxy(f)) {
        char what[80];
        (void)snprintf(what, sizeof what, "did not answer within %g s", (double)ms / 1000);
        return fail_proxy(f, what, error);
    }
    char addresses[ADDRESSES_SHOWN];
    print_addresses(f, addresses);
    return sh_fail(error, SH_E_NETWORK,
                   "could not connect to %.*s%s: no answer within %g s; check the host in %s, and "
                   "firewalls on the way",
                   HTTP_URL_SHOWN, f->url, addresses, (double)ms / 1000, f->names->url);
}

static sh_err fail_timeout(const http_client_failure *f, sh_error *error)
{
    curl_off_t connected_us = 0;
    int64_t ms = f->timeout_ms;
    (void)curl_easy_getinfo(f->easy, CURLINFO_CONNECT_TIME_T, &connected_us);
    if (connected_us != 0)
        return sh_fail(error, SH_E_NETWORK,
                       "%.*s timed out: the answer was not complete after %g s (%s)",
                       HTTP_URL_SHOWN, f->url, (double)ms / 1000, f->names->timeout);
    if (ms > HTTP_CONNECT_TIMEOUT_MAX_MS)
        ms = HTTP_CONNECT_TIMEOUT_MAX_MS;
    return fail_unreached(f, ms, error);
}

static sh_err fail_short(const http_client_failure *f, sh_error *error)
{
    curl_off_t announced = -1;
    (void)curl_easy_getinfo(f->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &announced);
    if (announced < 0)
        return sh_fail(error, SH_E_NETWORK, "the answer of %.*s broke off after %zu bytes",
                       HTTP_URL_SHOWN, f->url, f->body_len);
    return sh_fail(error, SH_E_NETWORK,
                   "the answer of %.*s broke off: %zu of the %" PRId64
                   " bytes of its Content-Length",
                   HTTP_URL_SHOWN, f->url, f->body_len, (int64_t)announced);
}

/* The answer was not HTTP, or was empty, as from a TLS port that gets plain HTTP. */
static sh_err fail_no_http(const http_client_failure *f, const char *what, sh_error *error)
{
    if (is_tls(f))
        return sh_fail(error, SH_E_NETWORK, "%.*s %s: check host and port in %s", HTTP_URL_SHOWN,
                       f->url, what, f->names->url);
    return sh_fail(error, SH_E_NETWORK,
                   "%.*s %s: check host and port in %s, and if TLS is served there write https://",
                   HTTP_URL_SHOWN, f->url, what, f->names->url);
}

static sh_err fail_certificate(const http_client_failure *f, sh_error *error)
{
    long verify = 0;
    char now[SH_RFC3339_BYTES];
    const char *detail = detail_or_code(f);
    (void)curl_easy_getinfo(f->easy, CURLINFO_SSL_VERIFYRESULT, &verify);
    sh_clock_rfc3339(sh_clock_unix_ms(), now);
    if (verify == VERIFY_EXPIRED || detail_says(f, "expired"))
        return sh_fail(error, SH_E_NETWORK,
                       "the certificate of %.*s has expired: renew it there, or set this machine's "
                       "clock, which says %s",
                       HTTP_URL_SHOWN, f->url, now);
    if (verify == VERIFY_NOT_YET_VALID || detail_says(f, "not yet valid"))
        return sh_fail(error, SH_E_NETWORK,
                       "the certificate of %.*s is not valid yet: set this machine's clock, which "
                       "says %s, or the clock of the machine that made the certificate",
                       HTTP_URL_SHOWN, f->url, now);
    if (detail_says(f, "subject name") || detail_says(f, "does not match target host"))
        return sh_fail(error, SH_E_NETWORK,
                       "the certificate of %.*s is for another name: the host in %s must be one "
                       "of its names (%s)",
                       HTTP_URL_SHOWN, f->url, f->names->url, detail);
    if (verify == VERIFY_SELF_SIGNED)
        return sh_fail(error, SH_E_NETWORK,
                       "the certificate of %.*s is self-signed and not trusted here: %s must name "
                       "a copy of that certificate",
                       HTTP_URL_SHOWN, f->url, f->names->ca_file);
    if (verify == VERIFY_SELF_SIGNED_IN_CHAIN || verify == VERIFY_NO_ISSUER_HERE)
        return sh_fail(
            error, SH_E_NETWORK,
            "the certificate of %.*s is from a CA that is not trusted here: %s must name "
            "that CA's certificate (%s)",
            HTTP_URL_SHOWN, f->url, f->names->ca_file, detail);
    if (verify == VERIFY_NO_ISSUER_SENT)
        return sh_fail(
            error, SH_E_NETWORK,
            "the certificate of %.*s is not trusted: its file there (%s) must contain the "
            "intermediate certificates too, or %s here must name its CA",
            HTTP_URL_SHOWN, f->url, f->names->peer_cert, f->names->ca_file);
    return sh_fail(error, SH_E_NETWORK,
                   "the certificate of %.*s is not trusted (%s): %s may name its CA",
                   HTTP_URL_SHOWN, f->url, detail, f->names->ca_file);
}

static sh_err fail_handshake(const http_client_failure *f, sh_error *error)
{
    /* How OpenSSL and GnuTLS report bytes that are not TLS. */
    if (detail_says(f, "wrong version number") || detail_says(f, "packet length too long") ||
        detail_says(f, "record layer failure") || detail_says(f, "unexpected TLS packet"))
        return sh_fail(error, SH_E_NETWORK,
                       "%.*s does not speak TLS on that port: write http:// in %s, or serve TLS "
                       "there (%s and %s)",
                       HTTP_URL_SHOWN, f->url, f->names->url, f->names->peer_cert,
                       f->names->peer_key);
    return sh_fail(error, SH_E_NETWORK, "TLS with %.*s failed: %s", HTTP_URL_SHOWN, f->url,
                   detail_or_code(f));
}

/* A proxy that refuses CONNECT gives the reason by a status code. */
static bool is_tunnel_refused(const http_client_failure *f, long *status)
{
    *status = 0;
    (void)curl_easy_getinfo(f->easy, CURLINFO_HTTP_CONNECTCODE, status);
    return has_proxy(f) && *status >= 300;
}

static sh_err fail_tunnel(const http_client_failure *f, long status, sh_error *error)
{
    char what[80];
    (void)snprintf(what, sizeof what, "refused with status %ld", status);
    if (status != 407)
        return fail_proxy(f, what, error);
    return sh_fail(error, SH_E_NETWORK,
                   "the proxy %s, which %s names for %.*s, demands credentials (407): write "
                   "http://USER:PASSWORD@HOST:PORT in %s, or add the host to no_proxy",
                   f->proxy->shown, f->proxy->variable, HTTP_URL_SHOWN, f->url, f->proxy->variable);
}

static sh_err fail_other(const http_client_failure *f, sh_error *error)
{
    switch (f->code) {
    case CURLE_OUT_OF_MEMORY:
        return sh_fail(error, SH_E_MEMORY, "no memory for an exchange with %.*s", HTTP_URL_SHOWN,
                       f->url);
    case CURLE_URL_MALFORMAT:
        return sh_fail(error, SH_E_CONFIG, "%.*s is not a URL that can be fetched (%s)",
                       HTTP_URL_SHOWN, f->url, f->names->url);
    case CURLE_FILESIZE_EXCEEDED:
        return sh_fail(error, SH_E_LIMIT, "%.*s announces more than the %zu bytes allowed",
                       HTTP_URL_SHOWN, f->url, f->answer_max);
#if LIBCURL_VERSION_NUM >= 0x080600
    case CURLE_TOO_LARGE: /* one of curl's own limits, such as 5000 header lines */
        return sh_fail(error, SH_E_LIMIT, "%.*s: %s", HTTP_URL_SHOWN, f->url, detail_or_code(f));
#endif
    case CURLE_SSL_CACERT_BADFILE:
        return sh_fail(error, SH_E_CONFIG,
                       "the CA certificates for %.*s cannot be read (%s): see %s and the package "
                       "ca-certificates",
                       HTTP_URL_SHOWN, f->url, detail_or_code(f), f->names->ca_file);
    default:
        return sh_fail(error, SH_E_NETWORK, "the exchange with %.*s failed: %s", HTTP_URL_SHOWN,
                       f->url, detail_or_code(f));
    }
}

sh_err http_client_fail(const http_client_failure *f, sh_error *error)
{
    long status;
    char what[320];
    if (is_tunnel_refused(f, &status))
        return fail_tunnel(f, status, error);
    switch (f->code) {
    case CURLE_COULDNT_RESOLVE_HOST:
        return fail_resolve(f, error);
    case CURLE_COULDNT_RESOLVE_PROXY:
        return fail_proxy(f, "was not found by name", error);
    case CURLE_COULDNT_CONNECT:
        return fail_connect(f, error);
    case CURLE_PROXY:
        (void)snprintf(what, sizeof what, "failed (%.200s)", detail_or_code(f));
        return fail_proxy(f, what, error);
    case CURLE_OPERATION_TIMEDOUT:
        return fail_timeout(f, error);
    case CURLE_PARTIAL_FILE:
        return fail_short(f, error);
    case CURLE_GOT_NOTHING:
        return fail_no_http(f, "closed the connection without an answer", error);
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
        (void)snprintf(what, sizeof what, "broke off the connection (%.200s)", detail_or_code(f));
        return fail_no_http(f, what, error);
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY:
        (void)snprintf(what, sizeof what, "does not speak HTTP (%.200s)", detail_or_code(f));
        return fail_no_http(f, what, error);
    case CURLE_PEER_FAILED_VERIFICATION:
        return fail_certificate(f, error);
    case CURLE_SSL_CONNECT_ERROR:
        return fail_handshake(f, error);
    default:
        return fail_other(f, error);
    }
}

sh_err http_client_fail_silent(const http_client_failure *f, http_client_step step,
                               int64_t limit_ms, sh_error *error)
{
    double limit_s = (double)limit_ms / 1000;
    /* Before 8.0, curl does not tell a connection from its TLS handshake. */
    if (step == HTTP_STEP_CONNECTING && (has_proxy(f) || !is_tls(f)))
        return fail_unreached(f, limit_ms, error);
    if (step == HTTP_STEP_CONNECTING || step == HTTP_STEP_HANDSHAKE)
        return sh_fail(error, SH_E_NETWORK,
                       "could not connect to %.*s: %sthe TLS handshake did not end within %g s; "
                       "check that the program there runs, host and port in %s, and firewalls on "
                       "the way",
                       HTTP_URL_SHOWN, f->url,
                       step == HTTP_STEP_CONNECTING ? "no connection was made, or " : "", limit_s,
                       f->names->url);
    return sh_fail(error, SH_E_NETWORK,
                   "%.*s accepted the connection and sent nothing for %g s: check that the program "
                   "there runs and is not overloaded, and the port in %s",
                   HTTP_URL_SHOWN, f->url, limit_s, f->names->url);
}
