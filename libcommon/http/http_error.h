/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_HTTP_ERROR_H
#define SH_HTTP_ERROR_H

#include "libcommon/base/buffer.h"
#include "libcommon/base/error.h"

/*
 * The body of all error answers: {"error":…,"message":…,"success":false,"code":…}. Programs decide
 * by the code; the rest is for people. PROTOCOL.md lists the codes, and
 * libcommon/native/error_code.h has them as an enum.
 */

/* Codes of errors that the HTTP server itself detects. */
#define SH_HTTP_CODE_BUSY "busy"         /* 503: connections or memory for bodies are used up */
#define SH_HTTP_CODE_METHOD "method"     /* 405 */
#define SH_HTTP_CODE_PATH "path"         /* 404 */
#define SH_HTTP_CODE_PLAIN "plain"       /* 400: TLS on a port for plain HTTP */
#define SH_HTTP_CODE_REQUEST "request"   /* 400: the request is ambiguous */
#define SH_HTTP_CODE_SIZE "size"         /* 413 */
#define SH_HTTP_CODE_STOPPING "stopping" /* 503 */
#define SH_HTTP_CODE_TLS "tls"           /* 400: plain HTTP on a port for TLS */

/*
 * Appends the body to *ret; code NULL: without a code, as NetAlertX does. SH_E_LIMIT, SH_E_MEMORY.
 */
sh_err sh_http_error_write(const char *code, const char *error_text, const char *message,
                           sh_buf *ret);

#endif
