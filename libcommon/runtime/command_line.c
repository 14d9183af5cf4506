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

/* The number of words of the subcommand's name if argv begins with them; otherwise 0. */
static int words_of(const sh_subcommand *s, int argc, char *const argv[])
{
    const char *name = s->name;
    for (int i = 0; i < argc; i++) {
        size_t len = strcspn(name, " ");
        if (strlen(argv[i]) != len || memcmp(argv[i], name, len) != 0)
            return 0;
        if (name[len] == '\0')
            return i + 1;
        name += len + 1;
    }
    return 0;
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

/* The subcommand that the first of its two words stands for, or NULL. */
static const sh_subcommand *find_default(const sh_service *service, const char *group)
{
    size_t len = strlen(group);
    for (const sh_subcommand *s = service->subcommands; s != NULL && s->name != NULL; s++)
        if (s->is_default && strncmp(s->name, group, len) == 0 && s->name[len] == ' ')
            return s;
    return NULL;
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
    if (ret->subcommand == NULL && !ret->help &&
        (argc == 1 || (argv[1][0] == '-' && !asks_for_help(argv[1])))) {
        ret->subcommand = find_default(service, argv[0]);
        words = 1;
    }
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
