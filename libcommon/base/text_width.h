/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_TEXT_WIDTH_H
#define SH_TEXT_WIDTH_H

#include <stdint.h>

/* How many columns of a terminal a printable character takes: 0 (combining), 1, or 2 (wide). */
int sh_code_width(uint32_t code);

#endif
