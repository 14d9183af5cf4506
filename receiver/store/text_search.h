/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_TEXT_SEARCH_H
#define RECEIVER_TEXT_SEARCH_H

#include "libcommon/base/text.h"

#include <stdbool.h>

/* Searches many texts for one, without regard to case. Pure. */
typedef struct text_search text_search;

/* Copies `sought`, UTF-8. NULL: out of memory. */
text_search *text_search_new(sh_slice sought);
void text_search_free(text_search *s); /* NULL is allowed */

/*
 * Whether text contains it. Letters other than ASCII's are folded by Unicode if there are any in
 * what is sought; bytes that are not UTF-8 match themselves.
 */
bool text_search_finds(const text_search *s, sh_slice text);

#endif
