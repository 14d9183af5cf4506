/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_NAME_LOOKALIKE_H
#define SH_NAME_LOOKALIKE_H

#include "libcommon/base/text.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Detects confusable node names. Hashes of the name's skeleton, after Unicode UTS 39 but without
 * regard to: case, width and style (full-width, superscript, enclosed, mathematical letters), kind
 * and number of spaces, and composed or decomposed marks. Look-alikes are a subset of UTS 39's
 * confusables.txt: single characters that look (nearly) the same in usual fonts, such as Greek,
 * Cyrillic, Armenian and Cherokee letters and Latin ones; I, l, 1 and |; O and 0; dashes; quotes.
 *
 * There are two skeletons because folding case and folding look-alikes do not commute.
 */
typedef struct {
    uint64_t glyph_first; /* look-alikes folded, then case */
    uint64_t case_first;  /* case folded, then look-alikes */
} sh_name_keys;

/* The keys of a valid name (node_name.h). */
sh_name_keys sh_name_keys_of(sh_slice name);
/* Whether names with these keys are confusable: at least one key is equal. */
bool sh_name_keys_match(const sh_name_keys *a, const sh_name_keys *b);

#endif
