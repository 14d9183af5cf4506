/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/text_survey.h"

#include <stdint.h>
#include <string.h>

#define BLOCK 64 /* bytes at once: a loop of so many turns is compiled to vectors */
#define BEFORE 3 /* bytes before it that a character may have begun with */

typedef struct {
    uint8_t broken, nul, control; /* not 0: seen */
} findings;

/* window holds the BEFORE bytes before a block, and the block. */
static void survey_block(const uint8_t window[static BEFORE + BLOCK], findings *ret)
{
    uint8_t broken = 0, nul = 0, control = 0;
    for (unsigned i = 0; i < BLOCK; i++) {
        uint8_t third = window[i], second = window[i + 1], first = window[i + 2];
        uint8_t b = window[i + BEFORE];
        uint8_t continues = (b & 0xc0) == 0x80;
        uint8_t must = (first >= 0xc0) | (second >= 0xe0) | (third >= 0xf0);
        broken |= continues ^ must;
        broken |= (b == 0xc0) | (b == 0xc1) | (b >= 0xf5);
        broken |= (first == 0xe0) & (b < 0xa0);  /* overlong */
        broken |= (first == 0xed) & (b >= 0xa0); /* a surrogate */
        broken |= (first == 0xf0) & (b < 0x90);  /* overlong */
        broken |= (first == 0xf4) & (b >= 0x90); /* above U+10FFFF */
        nul |= b == 0;
        control |= (b < 0x20) & (b != '\t') & (b != '\n') & (b != '\r');
    }
    ret->broken |= broken;
    ret->nul |= nul;
    ret->control |= control;
}

sh_text_traits sh_text_survey(sh_slice text)
{
    findings found = {0};
    uint8_t window[BEFORE + BLOCK];
    memset(window, ' ', sizeof window);
    /* One turn more than there are blocks: the last character may be cut. */
    for (size_t at = 0; at <= text.len; at += BLOCK) {
        size_t len = text.len - at < BLOCK ? text.len - at : BLOCK;
        if (len > 0)
            memcpy(window + BEFORE, text.data + at, len);
        memset(window + BEFORE + len, ' ', BLOCK - len);
        survey_block(window, &found);
        memcpy(window, window + BLOCK, BEFORE);
    }
    return (sh_text_traits){
        .utf8 = found.broken == 0, .nul = found.nul != 0, .control = found.control != 0};
}
