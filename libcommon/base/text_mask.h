/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_TEXT_MASK_H
#define SH_TEXT_MASK_H

#include <stddef.h>
#include <stdint.h>

/*
 * Bit masks of the structural characters in a block of 64 bytes of JSON: bit n stands for byte n.
 * Compares 64 bytes at once with AVX-512, 32 with AVX2, 16 on other x86-64 CPUs, one elsewhere.
 */
#define SH_TEXT_MASK_BYTES 64

typedef struct {
    uint64_t quotes, backslashes;
    uint64_t brackets; /* { } [ ] */
    /*
     * Letters that table_row looks for in keys and that are rare elsewhere: L, M, and p after a
     * quote or at the start of the block.
     */
    uint64_t letters;
    uint64_t inside; /* sh_text_mask_prefix_xor(quotes) */
} sh_text_mask;

#define SH_TEXT_MASKS 8

/*
 * Fills the masks of up to SH_TEXT_MASKS blocks from the start of text and returns their number.
 * len is at least 1. In a last block that is not complete, the bits after the text are 0 except in
 * `inside`.
 */
size_t sh_text_masks_of(const char *text, size_t len, sh_text_mask ret[static SH_TEXT_MASKS]);

/*
 * The escaped bytes: each byte that follows an unescaped backslash. *carry (0 or 1) passes the
 * state from one block to the next.
 */
uint64_t sh_text_mask_escaped(uint64_t backslashes, uint64_t *carry);

/*
 * Each bit of the result is the parity of the bits of quotes up to and including it. Given the
 * unescaped quotes, it marks the content of strings and their opening quotes.
 */
uint64_t sh_text_mask_prefix_xor(uint64_t quotes);

#endif
