/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_CONSOLE_REPLY_H
#define RECEIVER_CONSOLE_REPLY_H

#include "libcommon/base/buffer.h"
#include "libcommon/base/error.h"
#include "libcommon/http/http_server.h"

/* Answers of the console, with the headers that all have. Call one of them once. */

/*
 * With an ETag; 304 without a body if the request has that ETag. A browser may keep it, but must
 * ask.
 */
void console_reply_body(sh_http_exchange *exchange, unsigned status, const char *content_type,
                        sh_slice body);
/* A file that no cache keeps. */
void console_reply_file(sh_http_exchange *exchange, const char *content_type, sh_slice body);
/* JSON that no cache keeps, such as credentials. */
void console_reply_secret(sh_http_exchange *exchange, unsigned status, sh_slice json);
/* A status without a body, such as 204. */
void console_reply_empty(sh_http_exchange *exchange, unsigned status);

/* An RFC 9457 problem. type is NULL for `about:blank`. */
void console_reply_problem(sh_http_exchange *exchange, unsigned status, const char *type,
                           const char *detail);
/* A request that the HTTP server itself refuses. */
void console_reply_refusal(sh_http_exchange *exchange, unsigned status, const char *message);
/* The JSON if err is SH_OK, otherwise the failure, whose message may be missing. */
void console_reply_json(sh_http_exchange *exchange, sh_err err, const sh_buf *json,
                        sh_error *error);
/* The problem of a failed call: 404, 409, 422 or 503 by its code. */
void console_reply_failure(sh_http_exchange *exchange, const sh_error *error);

#endif
