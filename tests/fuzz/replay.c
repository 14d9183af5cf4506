/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

/*
 * Runs a fuzzer on every file of the given folders, without libFuzzer, so that each test run with
 * any compiler tries the corpus with everything that was found before.
 */

#define INPUT_MAX (4 * 1024 * 1024)

static void die(const char *what, const char *path)
{
    (void)fprintf(stderr, "%s %s\n", what, path);
    exit(1);
}

static void replay_file(const char *path)
{
    static uint8_t input[INPUT_MAX];
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        die("cannot read", path);
    size_t len = fread(input, 1, sizeof input, file);
    if (ferror(file) || len == sizeof input)
        die("cannot read all of", path);
    (void)fclose(file);
    /* Print the name first, so that the last line is the input that crashes. */
    (void)printf("%s\n", path);
    (void)fflush(stdout);
    (void)LLVMFuzzerTestOneInput(input, len);
}

static unsigned replay_folder(const char *folder)
{
    unsigned count = 0;
    DIR *dir = opendir(folder);
    if (dir == NULL)
        die("cannot open", folder);
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        char path[4096];
        if (entry->d_name[0] == '.')
            continue;
        (void)snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        replay_file(path);
        count++;
    }
    (void)closedir(dir);
    return count;
}

int main(int argc, char *argv[])
{
    unsigned count = 0;
    for (int i = 1; i < argc; i++)
        count += replay_folder(argv[i]);
    if (count == 0)
        die("no input in", argc > 1 ? argv[1] : "(no folder)");
    /* The test runner counts lines of this format. */
    (void)printf("%u inputs replayed\n[  PASSED  ] 1 test(s).\n", count);
    return 0;
}
