/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/cli/node_arguments.h"

#include "libcommon/base/clock.h"
#include "libcommon/base/duration.h"
#include "libcommon/base/node_name.h"
#include "libcommon/os/file.h"

#include <stdlib.h>
#include <string.h>

#define FILE_MAX ((size_t)SH_NODES_MAX * (SH_NODE_NAME_MAX + 2))
#define BYTE_ORDER_MARK "\xef\xbb\xbf"

void node_arguments_reset(node_arguments *arguments)
{
    sh_buf_reset(&arguments->file);
    free(arguments->names);
    arguments->names = NULL;
    arguments->count = 0;
}

static sh_err add_name(node_arguments *a, char *name, const char *usage, sh_error *error)
{
    sh_error reason = {.code = SH_OK};
    if (sh_node_name_check(sh_slice_of(name), &reason) != SH_OK)
        return sh_fail(error, SH_E_CONFIG, "%s", reason.message);
    if (a->count == SH_NODES_MAX)
        return sh_fail(error, SH_E_CONFIG, "more than %d names; usage: %s", SH_NODES_MAX, usage);
    if (a->names == NULL)
        a->names = calloc(SH_NODES_MAX, sizeof *a->names);
    if (a->names == NULL)
        return sh_fail(error, SH_E_MEMORY, "out of memory");
    a->names[a->count++] = name;
    return SH_OK;
}

/* One name in each line; blank lines are ignored. */
static sh_err read_file(node_arguments *a, const char *path, const char *usage, sh_error *error)
{
    sh_error reason = {.code = SH_OK};
    if (sh_file_read(path, &a->file, NULL, &reason) != SH_OK)
        return sh_fail(error, SH_E_CONFIG, "--file: %s", reason.message);
    char *line = a->file.data;
    if (a->file.len >= strlen(BYTE_ORDER_MARK) &&
        memcmp(line, BYTE_ORDER_MARK, strlen(BYTE_ORDER_MARK)) == 0)
        line += strlen(BYTE_ORDER_MARK);
    for (size_t number = 1; line != NULL && *line != '\0'; number++) {
        char *next = line + strcspn(line, "\n");
        bool last = *next == '\0';
        *next = '\0';
        if (next > line && next[-1] == '\r')
            next[-1] = '\0';
        sh_error bad = {.code = SH_OK};
        sh_err err = line[0] == '\0' ? SH_OK : add_name(a, line, usage, &bad);
        if (err != SH_OK)
            return sh_fail(error, err, "line %zu of %s: %s", number, path, bad.message);
        line = last ? NULL : next + 1;
    }
    return SH_OK;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static sh_err check_different(const node_arguments *a, sh_error *error)
{
    char **sorted = calloc(a->count + 1, sizeof *sorted);
    if (sorted == NULL)
        return sh_fail(error, SH_E_MEMORY, "out of memory");
    memcpy(sorted, a->names, a->count * sizeof *sorted);
    qsort(sorted, a->count, sizeof *sorted, compare_names);
    sh_err err = SH_OK;
    for (size_t i = 1; i < a->count && err == SH_OK; i++)
        if (strcmp(sorted[i - 1], sorted[i]) == 0)
            err = sh_fail(error, SH_E_CONFIG, "node %s is named twice", sorted[i]);
    free(sorted);
    return err;
}

static sh_err read_duration(const char *option, const char *text, int64_t *ret_ms, sh_error *error)
{
    if (text != NULL && sh_duration_read(text, SH_NODE_ROTATE_OVERLAP_MAX_S, ret_ms))
        return SH_OK;
    return sh_fail(error, SH_E_CONFIG,
                   "%s needs a duration of at most %ld days, such as 7d, 12h, 30m or 0s", option,
                   SH_NODE_ROTATE_OVERLAP_MAX_S / 86400);
}

/* Reads the argument at argv[*at], and its value if it has one. */
static sh_err read_one(const node_arguments_kind *kind, char *const argv[], int *at,
                       node_arguments *ret, sh_error *error)
{
    char *argument = argv[*at];
    if ((kind->rotates && strcmp(argument, "--for") == 0) ||
        ((kind->rotates || kind->adds) && strcmp(argument, "--grace") == 0))
        return read_duration(argument, argv[++*at], &ret->options.old_ms, error);
    if (kind->adds && strcmp(argument, "--file") == 0 && argv[*at + 1] != NULL)
        return read_file(ret, argv[++*at], kind->usage, error);
    bool netalertx = strcmp(argument, "--netalertx") == 0;
    if (kind->adds && (netalertx || strcmp(argument, "--ephemeral") == 0)) {
        *(netalertx ? &ret->options.netalertx : &ret->options.ephemeral) = true;
        return SH_OK;
    }
    if (argument[0] == '-' || (ret->count > 0 && !kind->adds))
        return sh_fail(error, SH_E_CONFIG, "unknown argument '%s'; usage: %s", argument,
                       kind->usage);
    return add_name(ret, argument, kind->usage, error);
}

sh_err node_arguments_read(const node_arguments_kind *kind, int argc, char *const argv[],
                           node_arguments *ret, sh_error *error)
{
    *ret = (node_arguments){.options = {.now_ms = sh_clock_unix_ms(), .old_ms = kind->old_ms},
                            .file = SH_BUF_INIT(FILE_MAX)};
    sh_err err = SH_OK;
    for (int i = 0; i < argc && err == SH_OK; i++)
        err = read_one(kind, argv, &i, ret, error);
    if (err == SH_OK && ret->count == 0)
        err =
            sh_fail(error, SH_E_CONFIG, "the name of the node is missing; usage: %s", kind->usage);
    return err == SH_OK ? check_different(ret, error) : err;
}
