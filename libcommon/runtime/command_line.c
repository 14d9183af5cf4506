/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/runtime/command_line.h"

#include "libcommon/runtime/command_help.h"

#include <stdio.h>
#include <string.h>

static bool read_option(const char *text, sh_command_line *ret)
{
    const struct {
        const char *name;
        bool *flag;
    } options[] = {
        {"--help", &ret->help},
        {"-h", &ret->help},
        {"--version", &ret->version},
        {"-V", &ret->version},
        {"--check-config", &ret->check_config},
        {"--once", &ret->once},
        {"--describe", &ret->describe},
    };
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        if (strcmp(text, options[i].name) == 0) {
            *options[i].flag = true;
            return true;
        }
    }
    return false;
}

/* The number of words, one or two, if argv begins with the subcommand's name; otherwise 0. */
static int words_of(const sh_subcommand *s, int argc, char *const argv[])
{
    const char *space = strchr(s->name, ' ');
    if (space == NULL)
        return strcmp(s->name, argv[0]) == 0 ? 1 : 0;
    size_t len = (size_t)(space - s->name);
    bool same = argc > 1 && strlen(argv[0]) == len && memcmp(argv[0], s->name, len) == 0 &&
                strcmp(argv[1], space + 1) == 0;
    return same ? 2 : 0;
}

static const sh_subcommand *find_subcommand(const sh_service *service, const sh_subcommand *common,
                                            int argc, char *const argv[], int *words)
{
    for (const sh_subcommand *s = service->subcommands; s != NULL && s->name != NULL; s++) {
        *words = words_of(s, argc, argv);
        if (*words > 0)
            return s;
    }
    *words = words_of(common, argc, argv);
    return *words > 0 ? common : NULL;
}

static bool asks_for_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

/* Whether the subcommand's arguments ask for help. */
static bool rest_asks_for_help(const sh_command_line *command)
{
    for (int i = 0; i < command->rest_count; i++)
        if (asks_for_help(command->rest[i]))
            return true;
    return false;
}

/* Reads the words after the options; argc is at least 1. */
static bool read_words(const sh_service *service, const sh_subcommand *common, int argc,
                       char *const argv[], sh_command_line *ret)
{
    int words = 0;
    bool help = strcmp(argv[0], "help") == 0;
    if (help || strcmp(argv[0], "version") == 0) {
        ret->help = help;
        ret->version = !help;
        argc--;
        argv++;
        if (argc == 0)
            return true;
    }
    ret->subcommand = find_subcommand(service, common, argc, argv, &words);
    if (ret->subcommand == NULL && sh_help_is_group(service, argv[0]) &&
        (argc == 1 || asks_for_help(argv[1]))) {
        ret->group = argv[0];
        ret->help = ret->help || argc > 1; /* `help node`, `node --help` */
        return true;
    }
    if (ret->subcommand == NULL) {
        sh_help_unknown(service, common, argc, argv, stderr);
        return false;
    }
    ret->rest_count = argc - words;
    ret->rest = argv + words;
    ret->help = ret->help || rest_asks_for_help(ret);
    return true;
}

bool sh_command_line_read(const sh_service *service, const sh_subcommand *common, int argc,
                          char *const argv[], sh_command_line *ret)
{
    int i = 1;
    while (i < argc && read_option(argv[i], ret))
        i++;
    if (i < argc && !read_words(service, common, argc - i, argv + i, ret))
        return false;
    if (ret->subcommand != NULL && (ret->check_config || ret->once)) {
        (void)fprintf(stderr, "synchub-%s: '%s' takes no option before it\n", service->name,
                      ret->subcommand->name);
        return false;
    }
    return true;
}
