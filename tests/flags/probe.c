/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Built with the flags of the programs, and so a witness of them: tells the level of FORTIFY that
 * is in effect, and, with an argument, whether asserts are alive.
 */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#define LARGE 200000 /* bytes of stack: more than a guard page has */

__attribute__((noinline)) static size_t use_stack(const char *text)
{
    char large[LARGE];
    size_t len = strlen(text);
    memset(large, text[0], sizeof large);
    memcpy(large, text, len);
    return len + (size_t)large[len];
}

int main(int argc, char *argv[])
{
#ifdef __OPTIMIZE__
    const char *optimised = "optimised";
#else
    const char *optimised = "not optimised";
#endif
    (void)printf("fortify %d, %s, %zu\n", __USE_FORTIFY_LEVEL, optimised, use_stack(argv[0]));
    (void)fflush(stdout);
    assert(argc == 1);
    return 0;
}
