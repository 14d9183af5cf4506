/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_UNICODE_TABLES_H
#define SH_UNICODE_TABLES_H

#include <stddef.h>
#include <stdint.h>

/* Unicode data for unicode.c and name_lookalike.c; each table is sorted by code point. */

typedef struct {
    uint32_t first, last;
} sh_code_range;

typedef struct {
    uint16_t code, base, mark; /* mark 0: no combining mark */
} sh_code_decomposition;

typedef struct {
    uint16_t first, last, step; /* every step-th code point is an upper-case letter; */
    int16_t distance;           /* its lower-case form is at code + distance */
} sh_code_case;

extern const sh_code_range sh_unicode_hidden[];
extern const size_t sh_unicode_hidden_count;
extern const sh_code_decomposition sh_unicode_decompositions[];
extern const size_t sh_unicode_decompositions_count;
extern const sh_code_case sh_unicode_cases[];
extern const size_t sh_unicode_cases_count;

#define SH_HALF_WIDTH_FIRST 0xff61
extern const uint16_t sh_unicode_half_width[];
extern const size_t sh_unicode_half_width_count;

#endif
