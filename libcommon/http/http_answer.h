/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_HTTP_ANSWER_H
#define SH_HTTP_ANSWER_H

#include "libcommon/base/text.h"
#include "libcommon/http/http_client.h"

/*
 * Takes one header line of an answer, as it came, into *answer. A status line forgets what came
 * before it, which belonged to an interim answer such as 100. Pure but for the clock, which a
 * Retry-After with a date is compared with where there is no Date.
 */
void sh_http_answer_line(sh_http_answer *answer, sh_slice line);

#endif
