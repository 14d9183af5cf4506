/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_TEXT_TRAITS_H
#define RECEIVER_TEXT_TRAITS_H

#include "libcommon/base/text.h"

#include <stdbool.h>

/*
 * Properties of a text, determined in a time that depends on its length only: for texts whose
 * content a peer must not learn by timing the hub.
 */
typedef struct {
    bool utf8;    /* well-formed UTF-8, as sh_utf8_is_valid() */
    bool nul;     /* has a NUL */
    bool control; /* has one of U+0000 to U+001F but tab, line feed and carriage return */
} sh_text_traits;

sh_text_traits sh_text_traits_of(sh_slice text);

#endif
