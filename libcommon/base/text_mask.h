/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_TEXT_MASK_H
#define SH_TEXT_MASK_H

#include <stddef.h>
#include <stdint.h>

/*
 * Where the bytes that tell what a table is made of stand in up to 64 bytes of text: bit n is byte
 * n. On x86-64 16 bytes are compared at once, or all 64 where it has AVX-512; elsewhere one by one.
 */
#define SH_TEXT_MASK_BYTES 64

typedef struct {
    uint64_t quotes, backslashes;
    uint64_t brackets; /* { } [ ] */
    uint64_t ms;       /* M, of which a table has few: one in each "devMac" */
    uint64_t between;  /* sh_text_mask_between(quotes) */
} sh_text_mask;

#define SH_TEXT_MASKS 8

/*
 * Fills masks of the first SH_TEXT_MASKS times 64 bytes, or of all where there are fewer, and gives
 * how many. In the last one the bits behind the text are 0, but for between. len is at least 1.
 */
size_t sh_text_masks_of(const char *text, size_t len, sh_text_mask ret[static SH_TEXT_MASKS]);

/*
 * The bytes that an escape makes plain: those behind a backslash that is not escaped itself. *carry
 * (0 or 1) goes from one run of 64 bytes to the next.
 */
uint64_t sh_text_mask_escaped(uint64_t backslashes, uint64_t *carry);

/* From each set bit up to the next one: the insides of strings, given their quotes. */
uint64_t sh_text_mask_between(uint64_t quotes);

#endif
