/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_HTTP_ANSWER_H
#define SH_HTTP_ANSWER_H

#include "libcommon/base/buffer.h"
#include "libcommon/base/text.h"

#include <stdint.h>

/* What the HTTP client gets. */
typedef struct {
    int status; /* 100 to 599 */
    sh_buf body;
    char content_type[128]; /* lower case, without parameters; "" where none */
    char etag[128];         /* as sent, with its quotes; "" where none */
    char server[64];        /* what the header Server says, printable; "" where nothing */
    char proxy[160];        /* the forward proxy it came through, without password; "" where none */
    int64_t retry_after_s;  /* -1 where none */
    int64_t date_s, retry_at_s; /* Unix times of the headers Date and Retry-After; 0 where none */
} sh_http_answer;

void sh_http_answer_reset(sh_http_answer *answer); /* NULL and zeroed are accepted */

/*
 * Takes one header line of an answer, as it came, into *answer. A status line forgets what came
 * before it, which belonged to an interim answer such as 100. Pure but for the clock, which a
 * Retry-After with a date is compared with where there is no Date.
 */
void sh_http_answer_line(sh_http_answer *answer, sh_slice line);

#endif
