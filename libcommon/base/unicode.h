/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_UNICODE_H
#define SH_UNICODE_H

#include <stdbool.h>
#include <stdint.h>

/* Properties of characters, from the Unicode tables in unicode_tables.c. */

/* The lower-case form of a letter; any other character is returned as it is. */
uint32_t sh_code_small(uint32_t code);

/* White space of any kind, also U+2800, which is drawn as nothing. */
bool sh_code_is_space(uint32_t code);
/* Invisible, or changes how others are drawn: control, format and private-use characters, … */
bool sh_code_is_hidden(uint32_t code);
/* A variation selector, which no name may begin with. */
bool sh_code_is_selector(uint32_t code);

#endif
