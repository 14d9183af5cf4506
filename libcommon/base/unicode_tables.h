/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_NAME_TABLES_H
#define SH_NAME_TABLES_H

#include <stddef.h>
#include <stdint.h>

/* What Unicode says of the characters of names, as far as unicode.c and name_keys.c need it. Each
 * is in ascending order.
 */

typedef struct {
    uint32_t first, last;
} sh_code_range;

typedef struct {
    uint16_t code, base, mark; /* mark 0: base alone */
} sh_code_decomposition;

typedef struct {
    uint16_t first, last, step; /* each step-th code is a capital letter … */
    int16_t distance;           /* … and its small one lies so far behind it */
} sh_code_case;

extern const sh_code_range sh_name_hidden[];
extern const size_t sh_name_hidden_count;
extern const sh_code_decomposition sh_name_decompositions[];
extern const size_t sh_name_decompositions_count;
extern const sh_code_case sh_name_cases[];
extern const size_t sh_name_cases_count;

#define SH_HALF_WIDTH_FIRST 0xff61
extern const uint16_t sh_name_half_width[];
extern const size_t sh_name_half_width_count;

#endif
