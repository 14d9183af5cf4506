/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_HTTP_ANSWER_H
#define SH_HTTP_ANSWER_H

#include "libcommon/base/buffer.h"
#include "libcommon/base/text.h"

#include <stdint.h>

/* An answer to the HTTP client. */
typedef struct {
    int status; /* 100 to 599 */
    sh_buf body;
    char content_type[128];     /* lower case, without parameters; "" if none */
    char etag[128];             /* as sent, with its quotes; "" if none */
    char problem[1280];         /* the header Sync-Hub-Problem; "" if none or longer */
    char server[64];            /* the header Server, printable characters; "" if none */
    char proxy[160];            /* the forward proxy, without password; "" if none */
    int64_t retry_after_s;      /* -1 if none */
    int64_t certificate_end_s;  /* Unix time when the peer's certificate ends; 0: not known */
    int64_t date_s, retry_at_s; /* Unix times of the headers Date and Retry-After; 0 if none */
} sh_http_answer;

void sh_http_answer_reset(sh_http_answer *answer); /* NULL and zeroed are accepted */

/*
 * Parses one header line of an answer into *answer. A status line resets *answer, as earlier lines
 * belonged to an interim answer such as 100. Pure except for the clock, with which it compares a
 * date in Retry-After if there is no Date.
 */
void sh_http_answer_line(sh_http_answer *answer, sh_slice line);

#endif
