/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_NAME_H
#define SH_NAME_H

#include "libcommon/base/text.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Names of nodes that look alike. Pure. The rules that a name must keep are in node_name.h.
 *
 * What is told apart by nobody at a glance: case, width and style (full-width, superscript,
 * enclosed, mathematical letters), kinds and number of spaces, marks that stand apart from their
 * letter or not, and letters and digits that look alike: Greek, Cyrillic, Armenian and Cherokee
 * beside Latin ones, I, l, 1 and |, O and 0, dashes, quotes. The idea is that of Unicode's UTS 39,
 * the table a small part of its confusables.txt: single characters that are drawn (nearly) the same
 * in usual fonts.
 */
typedef struct {
    uint64_t drawn; /* by what is drawn, then without case */
    uint64_t small; /* without case, then by what is drawn */
} sh_name_keys;

/* The keys of a valid name. */
sh_name_keys sh_name_keys_of(sh_slice name);
/* Whether names of these keys are easily confused; a name is with itself. */
bool sh_name_keys_meet(const sh_name_keys *a, const sh_name_keys *b);

#endif
