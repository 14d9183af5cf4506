/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/runtime/command_help.h"

#include "libcommon/base/spelling.h"
#include "libcommon/base/text.h"
#include "libcommon/config/settings_print.h"
#include "libcommon/runtime/service_describe.h"

#include <string.h>

void sh_help_usage(const sh_service *service, const sh_subcommand *common, FILE *out)
{
    (void)fprintf(out, "Usage: synchub-%s [--once] | --check-config | --help | --version\n",
                  service->name);
    for (const sh_subcommand *s = service->subcommands; s != NULL && s->name != NULL; s++)
        (void)fprintf(out, "       synchub-%s %s\n", service->name, s->usage);
    (void)fprintf(out, "       synchub-%s %s\n", service->name, common->usage);
    (void)fprintf(out, "       synchub-%s help [SUBCOMMAND]\n", service->name);
}

static void print_subcommand(const sh_subcommand *s, FILE *out)
{
    (void)fprintf(out, "  %s\n      %s\n", s->usage, s->help);
}

void sh_help_program(const sh_service *service, const sh_subcommand *common, FILE *out)
{
    (void)fprintf(out, "synchub-%s: %s\n\n", service->name, service->summary);
    sh_help_usage(service, common, out);
    (void)fputs("\nOptions:\n", out);
    for (const sh_service_option *o = sh_service_options; o->name != NULL; o++)
        (void)fprintf(out, "  %-15s  %s\n", o->name, o->help);
    (void)fputs("  -h, -V           same as --help and --version\n", out);
    (void)fputs("\nSubcommands (each has its own --help):\n", out);
    for (const sh_subcommand *s = service->subcommands; s != NULL && s->name != NULL; s++)
        print_subcommand(s, out);
    print_subcommand(common, out);
    (void)fputs("  help [SUBCOMMAND]\n      print this, or what a subcommand does\n", out);
    (void)fputs("\nSettings, from the environment:\n", out);
    sh_settings_help(service->program, out);
    (void)fputs(
        "\nExit codes: 0 done, 1 failed, 2 invalid configuration or usage, 3 problems found.\n",
        out);
}

void sh_help_subcommand(const sh_service *service, const sh_subcommand *subcommand, FILE *out)
{
    (void)fprintf(out, "Usage: synchub-%s %s\n\n  %s\n\n", service->name, subcommand->usage,
                  subcommand->help);
    (void)fprintf(
        out,
        "Settings come from the environment: see synchub-%s --help.\n"
        "Exit codes: 0 done, 1 failed, 2 invalid configuration or usage, 3 problems found.\n",
        service->name);
}

/* Whether group is the first of the subcommand's two words. */
static bool is_of_group(const sh_subcommand *s, const char *group)
{
    size_t len = strlen(group);
    return strncmp(s->name, group, len) == 0 && s->name[len] == ' ';
}

bool sh_help_is_group(const sh_service *service, const char *word)
{
    for (const sh_subcommand *s = service->subcommands; s != NULL && s->name != NULL; s++)
        if (is_of_group(s, word))
            return true;
    return false;
}

void sh_help_group(const sh_service *service, const char *group, FILE *out)
{
    (void)fprintf(out, "Usage: synchub-%s %s SUBCOMMAND\n\nSubcommands:\n", service->name, group);
    for (const sh_subcommand *s = service->subcommands; s->name != NULL; s++)
        if (is_of_group(s, group))
            print_subcommand(s, out);
}

/* The option or subcommand that was probably meant, or NULL. */
static const char *find_meant(const sh_service *service, const sh_subcommand *common,
                              const char *words)
{
    sh_nearest nearest = sh_nearest_begin(words);
    for (const sh_service_option *o = sh_service_options; o->name != NULL; o++)
        sh_nearest_try(&nearest, words, o->name);
    for (const sh_subcommand *s = service->subcommands; s != NULL && s->name != NULL; s++)
        sh_nearest_try(&nearest, words, s->name);
    sh_nearest_try(&nearest, words, common->name);
    sh_nearest_try(&nearest, words, "help");
    return nearest.word;
}

void sh_help_unknown(const sh_service *service, const sh_subcommand *common, int argc,
                     char *const argv[], FILE *out)
{
    char two[SH_NEAREST_BYTES];
    bool group = sh_help_is_group(service, argv[0]);
    (void)snprintf(two, sizeof two, "%s%s%s", argv[0], argc > 1 ? " " : "",
                   argc > 1 ? argv[1] : "");
    const char *meant = find_meant(service, common, two);
    if (meant == NULL && !group)
        meant = find_meant(service, common, argv[0]);
    (void)fprintf(out, "synchub-%s: unknown %s '%s'", service->name,
                  argv[0][0] == '-' ? "option" : "command", group ? two : argv[0]);
    if (meant != NULL)
        (void)fprintf(out, ": did you mean '%s'?", meant);
    (void)fputc('\n', out);
    if (group)
        sh_help_group(service, argv[0], out);
    else
        sh_help_usage(service, common, out);
}
