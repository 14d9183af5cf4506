/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_HTTP_CLIENT_H
#define SH_HTTP_CLIENT_H

#include "libcommon/base/error.h"
#include "libcommon/base/version.h"
#include "libcommon/http/http_answer.h"
#include "libcommon/http/http_names.h"
#include "libcommon/http/http_request.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The one module that uses libcurl: HTTP and HTTPS alone, no redirects (they would carry the token
 * away), certificates verified always, connections kept alive. One client belongs to one thread.
 */
typedef struct sh_http_client sh_http_client;

/*
 * Once the answers in hand fill bodies_max, one of them goes on and the others wait, each within
 * its own time-out, until an answer is done with. So they take at most bodies_max and one answer
 * more. Small answers have a share of their own, and while any waits, one that hardly went on for
 * stall_ms is given up: a slow peer holds up no other.
 */
typedef struct {
    const char *user_agent;
    sh_http_client_names names; /* for messages */
    const char *ca_file;        /* trusted besides the system's certificates; NULL or "" for none */
    /*
     * The file of the only certificate that is trusted, by itself and whatever name it is for; for
     * a program that asks itself. NULL, as a rule: then chain and name are verified.
     */
    const char *pinned_cert_file;
    int stop_fd; /* readable once the program must stop, or -1: exchanges end SH_E_STOPPED */
    int64_t stop_grace_ms; /* what exchanges in hand get then; 0 for 5 seconds */
    size_t parallel_max;   /* exchanges at once; 0 for no limit */
    size_t bodies_max;     /* bytes of all answers in hand; 0 for SH_HTTP_BODIES_MAX */
    int64_t stall_ms;      /* see above; 0 for the usual 5 s */
    void (*tick)(void);    /* called every second at least while exchanges are in hand; or NULL */
} sh_http_client_options;

sh_err sh_http_client_new(const sh_http_client_options *options, sh_http_client **ret,
                          sh_error *error);
void sh_http_client_free(sh_http_client *client); /* NULL is accepted */

/*
 * One exchange. SH_OK means that an answer came, whatever its status. SH_E_NETWORK says what a
 * person must look at (name not found, refused, timed out after …, certificate not trusted, answer
 * shorter than its Content-Length); SH_E_LIMIT, SH_E_STOPPED, SH_E_MEMORY.
 * End *answer with sh_http_answer_reset() in every case.
 */
sh_err sh_http_send(sh_http_client *client, const sh_http_request *request, sh_http_answer *answer,
                    sh_error *error);

/*
 * All exchanges in parallel, each with its own time-out and outcome. done() is called once for each
 * request, in the order in which they end, from this thread; answer is NULL unless err is SH_OK and
 * lives during the call only. idle(), which may be NULL, is called after done() whenever no other
 * answer is ready: for work that is better done for several at once. Returns when all have ended.
 */
typedef void (*sh_http_done)(void *context, size_t index, sh_err err, const sh_http_answer *answer,
                             const sh_error *error);

void sh_http_send_all(sh_http_client *client, const sh_http_request *requests, size_t count,
                      sh_http_done done, void *context, void (*idle)(void *context));

/* Name and version of the library, for --version. */
sh_library_version sh_http_client_library;

#endif
