/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/os/program_pages.h"

#include "tests/unit/unit.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Code that does not run: 8 MiB of it, as a fault may bring many pages. */
__asm__(".text\n.space 8388608\n");

/* The program's code, as the kernel has it in /proc/self/smaps. */
typedef struct {
    const volatile char *begin, *end;
    long resident_kib;
} code;

static code find_code(void)
{
    char program[PATH_MAX] = "", line[PATH_MAX + 128];
    code found = {0};
    bool inside = false;
    FILE *maps = fopen("/proc/self/smaps", "r");
    assert_non_null(maps);
    assert_true(readlink("/proc/self/exe", program, sizeof program - 1) > 0);
    while (fgets(line, sizeof line, maps) != NULL) {
        char *at;
        uintptr_t begin = (uintptr_t)strtoull(line, &at, 16);
        if (*at == '-') {
            uintptr_t end = (uintptr_t)strtoull(at + 1, &at, 16);
            inside = strncmp(at, " r-xp ", 6) == 0 && strstr(line, program) != NULL;
            if (inside) /* NOLINTNEXTLINE(performance-no-int-to-ptr) */
                found = (code){.begin = (const char *)begin, .end = (const char *)end};
        } else if (inside && strncmp(line, "Rss:", 4) == 0) {
            found.resident_kib = strtol(line + 4, NULL, 10);
        }
    }
    (void)fclose(maps);
    assert_non_null(found.begin);
    return found;
}

static void code_that_does_not_run_leaves_memory_and_comes_back(void **state)
{
    (void)state;
    code before = find_code();
    unsigned sum = 0, again = 0;
    for (const volatile char *at = before.begin; at < before.end; at += 4096)
        sum += (unsigned char)*at;
    before = find_code();
    assert_int_equal(before.resident_kib, (before.end - before.begin) / 1024);
    sh_program_pages_drop();
    code after = find_code();
    assert_true(after.resident_kib < before.resident_kib / 2);
    for (const volatile char *at = after.begin; at < after.end; at += 4096)
        again += (unsigned char)*at;
    assert_int_equal(again, sum);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(code_that_does_not_run_leaves_memory_and_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
