/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/runtime/listener.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/clock.h"
#include "libcommon/base/limits.h"
#include "libcommon/config/listen_address.h"
#include "libcommon/config/settings_http.h"
#include "libcommon/crypto/certificate.h"
#include "libcommon/http/url.h"
#include "libcommon/os/file.h"
#include "libcommon/runtime/notify.h"
#include "libcommon/runtime/stop.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define TEND_MS 1000
#define LOOK_MS 5000 /* interval of checking the files for changes */

struct sh_listener {
    const sh_settings *settings;
    sh_http_server *server;
    sh_probes probes;
    sh_http_route routes[SH_LISTENER_ROUTES_MAX + SH_PROBE_ROUTES + 1];
    sh_file_stamp cert_seen, key_seen; /* of the files last read, valid or not */
    char address[96];
    bool in_clear;
    const char *listen; /* the address as configured */
    bool second;        /* SIGHUP and the watchdog are the first one's */
    int stop_fd;
    bool has_thread;
    pthread_t thread;
};

/* --- Certificate and key -----------------------------------------------------------------------
 */

static bool has_tls(const sh_listener *l)
{
    return l->settings->tls_cert[0] != '\0';
}

/* A configured file, and text that it must contain. */
typedef struct {
    const char *setting, *path, *mark;
} pem_file;

static sh_err read_pem(const pem_file *file, sh_buf *ret, sh_file_stamp *stamp, sh_error *error)
{
    sh_error why = {0};
    sh_err err = sh_file_read(file->path, ret, stamp, &why);
    if (err != SH_OK)
        return sh_fail(error, err == SH_E_MEMORY ? err : SH_E_CONFIG, "%s: %s", file->setting,
                       why.message);
    if (ret->data == NULL || strstr(ret->data, file->mark) == NULL)
        return sh_fail(error, SH_E_CONFIG,
                       "%s: %s does not contain `%s`, so it is not a PEM file of that kind",
                       file->setting, file->path, file->mark);
    return SH_OK;
}

/* Without it in the metrics if only the TLS library can read the certificate. */
static void show_certificate_end(sh_slice pem)
{
    sh_certificate certificate;
    if (sh_certificate_read(pem, &certificate, NULL) == SH_OK && certificate.end_ms > 0)
        sh_probes_set_certificate_end(certificate.end_ms);
}

/* Reads both files and passes them to a new server, or to the running one. */
static sh_err with_tls(sh_listener *l,
                       sh_err (*use)(sh_listener *l, const sh_http_tls *tls, const void *context,
                                     sh_error *error),
                       const void *context, sh_error *error)
{
    const sh_settings *s = l->settings;
    SH_CLEANUP(sh_buf_reset) sh_buf cert = SH_BUF_INIT(SH_TLS_FILE_MAX);
    SH_CLEANUP(sh_buf_wipe) sh_buf key = SH_BUF_INIT(SH_TLS_FILE_MAX);
    /* Record the stamp of an unreadable file too, so that its next change is noticed. */
    (void)sh_file_stamp_get(s->tls_cert, &l->cert_seen, NULL);
    (void)sh_file_stamp_get(s->tls_key, &l->key_seen, NULL);
    const pem_file cert_file = {"SYNC_tls_cert", s->tls_cert, "-----BEGIN CERTIFICATE-----"};
    const pem_file key_file = {"SYNC_tls_key", s->tls_key, "PRIVATE KEY-----"};
    sh_err err = read_pem(&cert_file, &cert, &l->cert_seen, error);
    if (err == SH_OK)
        err = read_pem(&key_file, &key, &l->key_seen, error);
    if (err == SH_OK)
        err = use(l, &(sh_http_tls){.cert = cert.data, .key = key.data}, context, error);
    if (err == SH_OK)
        show_certificate_end((sh_slice){cert.data, cert.len});
    return err;
}

static bool files_changed(const sh_listener *l)
{
    sh_file_stamp cert = {0};
    sh_file_stamp key = {0};
    (void)sh_file_stamp_get(l->settings->tls_cert, &cert, NULL);
    (void)sh_file_stamp_get(l->settings->tls_key, &key, NULL);
    return !sh_file_stamp_equals(&cert, &l->cert_seen) || !sh_file_stamp_equals(&key, &l->key_seen);
}

static sh_err renew(sh_listener *l, const sh_http_tls *tls, const void *context, sh_error *error)
{
    (void)context;
    return sh_http_server_renew_tls(l->server, tls, error);
}

static void read_again(sh_listener *l)
{
    sh_error error = {0};
    char message[SH_ERROR_MESSAGE_BYTES + 64];
    sh_err err = with_tls(l, renew, NULL, &error);
    if (err == SH_OK)
        (void)snprintf(message, sizeof message, "reloaded the certificate from %s",
                       l->settings->tls_cert);
    else
        (void)snprintf(message, sizeof message, "the old certificate stays in use: %s",
                       error.message);
    sh_probes_log_certificate(err, message);
}

/* --- The listener's thread ------------------------------------------------------------------- */

/* Without connections the thread only checks the certificate, and feeds the watchdog. */
static int wait_ms(const sh_listener *l)
{
    int64_t ms = l->second ? INT64_MAX : sh_notify_interval_ms();
    int64_t own_ms = !sh_http_server_is_idle(l->server) ? TEND_MS
                     : has_tls(l)                       ? LOOK_MS
                                                        : INT64_MAX;
    ms = own_ms < ms ? own_ms : ms;
    return ms == INT64_MAX ? -1 : ms > INT_MAX ? INT_MAX : (int)ms;
}

static void *tend(void *context)
{
    sh_listener *l = context;
    int64_t look_at = sh_clock_monotonic_ms() + LOOK_MS;
    for (;;) {
        struct pollfd waited[] = {{.fd = l->stop_fd, .events = POLLIN},
                                  {.fd = sh_http_server_busy_fd(l->server), .events = POLLIN},
                                  {.fd = l->second ? -1 : sh_hangup_fd(), .events = POLLIN}};
        (void)poll(waited, sizeof waited / sizeof waited[0], wait_ms(l));
        if (waited[0].revents != 0)
            return NULL;
        (void)sh_http_server_tend(l->server);
        if (!l->second)
            sh_notify_alive(SH_NOTIFY_LISTENER);
        bool asked = !l->second && sh_hangup_take();
        bool due = sh_clock_monotonic_ms() >= look_at;
        if (due)
            look_at = sh_clock_monotonic_ms() + LOOK_MS;
        if (asked)
            sh_notify_reloading();
        if (has_tls(l) && (asked || (due && files_changed(l))))
            read_again(l);
        if (asked)
            sh_notify_reloaded();
    }
}

static sh_err start_thread(sh_listener *l, sh_error *error)
{
    sigset_t all, before;
    /* Other threads handle signals. */
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&l->thread, NULL, tend, l);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed != 0)
        return sh_fail(error, SH_E_MEMORY, "cannot start a thread for the HTTP server: %s",
                       strerror(failed));
    l->has_thread = true;
    if (!l->second)
        sh_notify_expect(SH_NOTIFY_LISTENER);
    return SH_OK;
}

/* --- Start and stop -------------------------------------------------------------------------- */

static sh_err start_server(sh_listener *l, const sh_http_tls *tls, const void *context,
                           sh_error *error)
{
    const sh_listener_options *options = context;
    char host[64];
    uint16_t port;
    sh_err err = sh_listen_read(sh_slice_of(l->listen), host, &port, error);
    if (err != SH_OK)
        return err;
    sh_http_server_names names = sh_settings_server_names;
    if (options->listen_setting != NULL)
        names.listen = options->listen_setting;
    const sh_http_server_options server = {
        .names = names,
        .host = host,
        .port = port,
        .tls = tls == NULL ? (sh_http_tls){NULL, NULL} : *tls,
        .routes = l->routes,
        .context = options->context,
        .on_event = sh_probes_log_event,
        .refuse = options->refuse,
        .connections_max = options->connections_max,
    };
    err = sh_http_server_start(&server, &l->server, error);
    if (err != SH_OK)
        return err;
    sh_url at = {.port = port};
    (void)snprintf(at.host, sizeof at.host, "%s", host);
    l->in_clear = tls == NULL && !sh_url_is_loopback(&at);
    bool v6 = strchr(host, ':') != NULL;
    (void)snprintf(l->address, sizeof l->address, "%s%s%s:%u%s", v6 ? "[" : "", host, v6 ? "]" : "",
                   (unsigned)sh_http_server_port(l->server), tls == NULL ? "" : " with TLS");
    return SH_OK;
}

/* The program's routes, and those of the probes. */
static void set_routes(sh_listener *l, const sh_listener_options *options)
{
    size_t count = 0;
    for (const sh_http_route *r = options->routes; r != NULL && r->method != NULL; r++) {
        assert(count < SH_LISTENER_ROUTES_MAX);
        l->routes[count++] = *r;
    }
    if (l->second)
        return; /* calloc() ended the list */
    l->probes = options->probes;
    sh_probes_routes(&l->probes, l->routes + count);
}

sh_err sh_listener_start(const sh_settings *settings, const sh_listener_options *options,
                         sh_listener **ret, sh_error *error)
{
    sh_listener *l = calloc(1, sizeof *l);
    if (l == NULL)
        return sh_fail(error, SH_E_MEMORY, "no memory for the HTTP server");
    l->settings = settings;
    l->second = options->listen != NULL;
    l->listen = l->second ? options->listen : settings->listen;
    set_routes(l, options);
    l->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    sh_err err = l->stop_fd < 0 ? sh_fail(error, SH_E_IO, "eventfd: %s", strerror(errno)) : SH_OK;
    if (err == SH_OK)
        err = has_tls(l) ? with_tls(l, start_server, options, error)
                         : start_server(l, NULL, options, error);
    if (err == SH_OK)
        err = start_thread(l, error);
    if (err != SH_OK) {
        sh_listener_stop(l, 0);
        return err;
    }
    *ret = l;
    return SH_OK;
}

const char *sh_listener_address(const sh_listener *listener)
{
    return listener->address;
}

uint16_t sh_listener_port(const sh_listener *listener)
{
    return sh_http_server_port(listener->server);
}

bool sh_listener_has_tls(const sh_listener *listener)
{
    return has_tls(listener);
}

bool sh_listener_is_in_clear(const sh_listener *listener)
{
    return listener->in_clear;
}

void sh_listener_stop(sh_listener *listener, int64_t grace_ms)
{
    if (listener == NULL)
        return;
    if (listener->has_thread) {
        uint64_t one = 1;
        if (!listener->second)
            sh_notify_dismiss(SH_NOTIFY_LISTENER);
        (void)!write(listener->stop_fd, &one, sizeof one);
        (void)pthread_join(listener->thread, NULL);
    }
    sh_http_server_stop(listener->server, grace_ms);
    if (listener->stop_fd >= 0)
        (void)close(listener->stop_fd);
    free(listener);
}
