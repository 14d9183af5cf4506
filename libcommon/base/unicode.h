/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_UNICODE_H
#define SH_UNICODE_H

#include <stdbool.h>
#include <stdint.h>

/* Properties of code points, from the Unicode tables in unicode_tables.c. */

/* The lower-case form of a letter; returns any other character unchanged. */
uint32_t sh_code_to_lower(uint32_t code);

/* Unicode white space, and U+2800, which has no visible glyph. */
bool sh_code_is_space(uint32_t code);
/* Invisible or changes how other characters are displayed: control, format, private-use, … */
bool sh_code_is_hidden(uint32_t code);
/* A variation selector. */
bool sh_code_is_selector(uint32_t code);

#endif
