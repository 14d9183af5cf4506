/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_HTTP_CLIENT_H
#define SH_HTTP_CLIENT_H

#include "libcommon/base/error.h"
#include "libcommon/base/version.h"
#include "libcommon/http/http_answer.h"
#include "libcommon/http/http_request.h"
#include "libcommon/http/http_setting_names.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The one module that uses libcurl: HTTP and HTTPS only, no redirects (they would disclose the
 * token), certificates always verified, connections kept alive. A client belongs to one thread.
 */
typedef struct sh_http_client sh_http_client;

/*
 * Once the answers being received fill bodies_max, one of them continues and the others pause,
 * within their time-outs, until an answer is finished. So all together take at most bodies_max plus
 * one answer. Small answers have a reserved share. While an answer waits for memory, an answer that
 * made hardly any progress for stall_ms fails, so that a slow peer does not delay others.
 */
typedef struct {
    const char *user_agent;
    sh_http_client_names names; /* for messages */
    const char *ca_file;        /* further trusted CA certificates, PEM; NULL or "": none */
    /*
     * The file of the only trusted certificate, which is accepted for any host name; for a program
     * that connects to itself. Normally NULL: chain and name are verified.
     */
    const char *pinned_cert_file;
    int stop_fd;           /* readable once the program must stop (SH_E_STOPPED), or -1 */
    int64_t stop_grace_ms; /* time for running exchanges then; 0: 5 seconds */
    size_t parallel_max;   /* concurrent exchanges; 0: no limit */
    size_t bodies_max;     /* bytes of all answers being received; 0: SH_HTTP_BODIES_MAX */
    int64_t stall_ms;      /* see above; 0: 5 s */
    void (*tick)(void);    /* called at least every second during exchanges; or NULL */
} sh_http_client_options;

sh_err sh_http_client_new(const sh_http_client_options *options, sh_http_client **ret,
                          sh_error *error);
void sh_http_client_free(sh_http_client *client); /* NULL is accepted */

/*
 * Performs one exchange. SH_OK means that there is an answer, whatever its status. The message of
 * SH_E_NETWORK says what to check (name not found, refused, timed out after …, certificate not
 * trusted, answer shorter than its Content-Length); SH_E_LIMIT, SH_E_STOPPED, SH_E_MEMORY. Call
 * sh_http_answer_reset() on *answer in every case.
 */
sh_err sh_http_send(sh_http_client *client, const sh_http_request *request, sh_http_answer *answer,
                    sh_error *error);

/*
 * How sh_http_send_all() reports results. It calls done() from this thread once for each request,
 * in the order in which they end; answer is NULL unless err is SH_OK, and valid during the call
 * only. It calls idle(), which may be NULL, after done() whenever no other answer is ready, for
 * work that is cheaper in batches.
 */
typedef void (*sh_http_done)(void *context, size_t index, sh_err err, const sh_http_answer *answer,
                             const sh_error *error);

typedef struct {
    sh_http_done done;
    void (*idle)(void *context);
    void *context;
} sh_http_calls;

/*
 * Performs all exchanges in parallel, each with its own time-out and result. Returns when all have
 * ended.
 */
void sh_http_send_all(sh_http_client *client, const sh_http_request *requests, size_t count,
                      const sh_http_calls *calls);

/* Name and version of the library, for --version. */
sh_library_version sh_http_client_library;

#endif
