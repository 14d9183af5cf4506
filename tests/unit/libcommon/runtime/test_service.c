/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/clock.h"
#include "libcommon/json/json_read.h"
#include "libcommon/runtime/service_main.h"
#include "libcommon/runtime/stop.h"

#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* --- A service to try ------------------------------------------------------------------------ */

/* The service's run() in the test; its exit code reports what it observed. */
static int (*run_in_test)(bool once);

static int run(const sh_settings *settings, bool once)
{
    (void)printf("run in %s\n", settings->db);
    (void)fflush(stdout);
    return run_in_test(once);
}

static int print_arguments(const sh_settings *settings, int argc, char *const argv[])
{
    (void)printf("devices %s%s:", settings->db, settings->api_token[0] == '\0' ? "" : " token");
    for (int i = 0; i < argc; i++)
        (void)printf(" %s", argv[i]);
    (void)printf("\n");
    (void)fflush(stdout);
    return 7;
}

static sh_err check(const sh_settings *settings, sh_error *error)
{
    if (strcmp(settings->db, "/refused") == 0)
        return sh_fail(error, SH_E_CONFIG, "SYNC_db is refused by the service");
    return SH_OK;
}

static const sh_subcommand subcommands[] = {
    {.name = "devices", .usage = "devices [--json]", .help = "a part", .run = print_arguments},
    {.name = "part add", .usage = "part add NAME", .help = "of two words", .run = print_arguments},
    {.name = "part drop",
     .usage = "part drop",
     .help = "of two words, too",
     .run = print_arguments},
    {.name = "list all",
     .usage = "list [all] [--json]",
     .help = "may be without its second word",
     .run = print_arguments,
     .is_default = true},
    {.name = "list one", .usage = "list one", .help = "may not", .run = print_arguments},
    {.name = "whole",
     .usage = "whole",
     .help = "needs all",
     .run = print_arguments,
     .needs_secrets = true},
    {.name = NULL},
};

static void tell_one(char ret[static SH_LIBRARY_BYTES])
{
    (void)snprintf(ret, SH_LIBRARY_BYTES, "libone 1.2");
}

static void tell_two(char ret[static SH_LIBRARY_BYTES])
{
    (void)snprintf(ret, SH_LIBRARY_BYTES, "libtwo 3");
}

static sh_library_version *const libraries[] = {tell_one, tell_two, NULL};

static const sh_service service = {
    .name = "receiver",
    .summary = "what it is for",
    .program = SH_FOR_RECEIVER,
    .commit = "0123456789ab",
    .libraries = libraries,
    .subcommands = subcommands,
    .check = check,
    .run = run,
};

/* --- Running it in a process of its own ------------------------------------------------------ */

#define ARGUMENTS_MAX 8

typedef struct {
    const char *const *arguments;   /* after the program's name */
    const char *const *environment; /* `NAME=value` */
} command;

#define LIST(...) ((const char *const[ARGUMENTS_MAX]){__VA_ARGS__})
#define COMPLETE                                                                                   \
    LIST("SYNC_api_token=a token of the tests", "SYNC_encryption_key=a passphrase of the tests",   \
         "SYNC_db=/x")

typedef struct {
    int code; /* exit code, or -1 */
    char out[16384], err[16384];
} outcome;

static void read_back(int fd, char *ret, size_t size)
{
    ssize_t n = pread(fd, ret, size - 1, 0);
    assert_true(n >= 0);
    ret[n] = '\0';
    (void)close(fd);
}

static _Noreturn void be_the_program(const command *c)
{
    char *argv[ARGUMENTS_MAX + 1] = {(char *)"synchub-receiver"};
    int argc = 1;
    for (; c->arguments[argc - 1] != NULL; argc++)
        argv[argc] = (char *)c->arguments[argc - 1];
    environ = (char **)c->environment;
    _exit(sh_service_main(&service, argc, argv));
}

static void start(const command *c, outcome *ret)
{
    int out = memfd_create("out", 0);
    int err = memfd_create("err", 0);
    assert_true(out >= 0 && err >= 0);
    (void)fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)dup2(out, STDOUT_FILENO);
        (void)dup2(err, STDERR_FILENO);
        be_the_program(c);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    ret->code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    read_back(out, ret->out, sizeof ret->out);
    read_back(err, ret->err, sizeof ret->err);
}

static void check_run(const char *const arguments[], const char *const environment[], int code,
                      const char *out, const char *err)
{
    outcome o;
    start(&(command){.arguments = arguments, .environment = environment}, &o);
    if (o.code != code)
        fail_msg("exit %d, not %d: %s%s", o.code, code, o.out, o.err);
    if (out[0] == '\0' ? o.out[0] != '\0' : strstr(o.out, out) == NULL)
        fail_msg("standard output is '%s', not '%s'", o.out, out);
    if (err[0] == '\0' ? o.err[0] != '\0' : strstr(o.err, err) == NULL)
        fail_msg("standard error is '%s', not '%s'", o.err, err);
}

/* --- The command line ------------------------------------------------------------------------ */

static int tell_once(bool once)
{
    return once ? 11 : 10;
}

static void the_service_runs_and_its_code_is_the_exit_code(void **state)
{
    (void)state;
    run_in_test = tell_once;
    check_run(LIST(NULL), COMPLETE, 10, "run in /x", "");
    check_run(LIST("--once"), COMPLETE, 11, "run in /x", "");
}

static void help_and_version_need_no_settings(void **state)
{
    (void)state;
    static const char *const bad[] = {"SYNC_db=/", NULL};
    check_run(LIST("--version"), bad, 0,
              "synchub-receiver " SYNCHUB_VERSION " (0123456789ab)\nlibone 1.2, libtwo 3\n", "");
    check_run(LIST("--help"), bad, 0, "synchub-receiver: what it is for\n", "");
    check_run(LIST("-h"), bad, 0, "devices [--json]\n      a part\n", "");
    check_run(LIST("--help"), bad, 0, "SYNC_redis_prefix (default: synchub)\n", "");
    check_run(LIST("--once", "--help"), bad, 0, "--check-config", "");
}

static void help_comes_in_every_usual_way(void **state)
{
    (void)state;
    const char *const *bad = LIST("SYNC_db=/", "SYNC_listen=x");
    check_run(LIST("help"), bad, 0, "synchub-receiver: what it is for\n", "");
    check_run(LIST("-h"), bad, 0, "synchub-receiver: what it is for\n", "");
    check_run(LIST("-V"), bad, 0, "synchub-receiver " SYNCHUB_VERSION, "");
    check_run(LIST("version"), bad, 0, "synchub-receiver " SYNCHUB_VERSION, "");
    static const char *const words[] = {"--help", "-h"};
    for (size_t i = 0; i < 2; i++) {
        check_run(LIST("devices", words[i]), bad, 0,
                  "Usage: synchub-receiver devices [--json]\n\n  a part\n", "");
        check_run(LIST("devices", "--json", words[i]), bad, 0, "Usage: synchub-receiver devices",
                  "");
        check_run(LIST(words[i], "devices"), bad, 0, "Usage: synchub-receiver devices", "");
        check_run(LIST("part", "add", words[i]), bad, 0, "Usage: synchub-receiver part add", "");
        check_run(LIST("part", words[i]), bad, 0, "  part drop\n      of two words, too\n", "");
        check_run(LIST("healthcheck", words[i]), bad, 0, "Usage: synchub-receiver healthcheck", "");
    }
    check_run(LIST("help", "part", "add"), bad, 0, "Usage: synchub-receiver part add", "");
    check_run(LIST("help", "healthcheck"), bad, 0, "Usage: synchub-receiver healthcheck", "");
    check_run(LIST("help", "part"), bad, 0, "  part add NAME\n      of two words\n", "");
}

static void a_group_alone_lists_its_subcommands(void **state)
{
    (void)state;
    check_run(LIST("part"), COMPLETE, 2, "", "  part add NAME\n      of two words\n  part drop\n");
}

static void a_group_with_a_default_runs_it(void **state)
{
    (void)state;
    check_run(LIST("list"), COMPLETE, 7, "devices /x:\n", "");
    check_run(LIST("list", "--json", "x"), COMPLETE, 7, "devices /x: --json x\n", "");
    check_run(LIST("list", "all", "--json"), COMPLETE, 7, "devices /x: --json\n", "");
    check_run(LIST("list", "one"), COMPLETE, 7, "devices /x:\n", "");
    check_run(LIST("list", "al"), COMPLETE, 2, "", "did you mean 'list all'?");
    check_run(LIST("list", "--help"), COMPLETE, 0, "  list one\n      may not\n", "");
    check_run(LIST("help", "list"), COMPLETE, 0, "  list [all] [--json]\n", "");
}

static void help_lists_the_values_of_a_choice(void **state)
{
    (void)state;
    check_run(LIST("--help"), COMPLETE, 0, "; all, ingest, merge or console\n", "");
    check_run(LIST("--help"), COMPLETE, 0, "; error, warning, info or debug\n", "");
    check_run(LIST("--help"), COMPLETE, 0, "; 1 to 86400\n", "");
}

static void describe_tells_all_that_help_tells_as_json(void **state)
{
    (void)state;
    outcome o;
    start(&(command){.arguments = LIST("--describe"), .environment = LIST(NULL)}, &o);
    assert_int_equal(o.code, 0);
    sh_json *document = NULL;
    assert_int_equal(sh_json_parse(o.out, strlen(o.out), &document, NULL), SH_OK);
    sh_json_free(document);
    static const char *const parts[] = {
        ("{\"name\":\"synchub-receiver\",\"version\":\"" SYNCHUB_VERSION "\""),
        "{\"name\":\"--once\",\"help\":",
        "{\"name\":\"devices\",\"usage\":\"devices [--json]\",\"help\":\"a part\"},",
        "{\"name\":\"healthcheck\"",
        "\"name\":\"SYNC_api_token\",\"alias\":\"API_TOKEN\",\"default\":\"\"",
        "\"credential\":\"synchub.token\",\"secret\":true",
        "\"values\":[\"all\",\"ingest\",\"merge\",\"console\"]",
        "\"min\":1,\"max\":86400}",
    };
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (strstr(o.out, parts[i]) == NULL)
            fail_msg("%s is not in %s", parts[i], o.out);
}

static void what_is_unknown_is_answered_with_the_usage(void **state)
{
    (void)state;
    check_run(LIST("--onec"), COMPLETE, 2, "",
              "unknown option '--onec': did you mean '--once'?\nUsage: synchub-receiver");
    check_run(LIST("devcies"), COMPLETE, 2, "",
              "unknown command 'devcies': did you mean 'devices'?");
    check_run(LIST("help", "devcies"), COMPLETE, 2, "", "did you mean 'devices'?");
    check_run(LIST("part", "ad"), COMPLETE, 2, "",
              "unknown command 'part ad': did you mean 'part add'?\nUsage: synchub-receiver part");
    check_run(LIST("node"), COMPLETE, 2, "", "unknown command 'node'\nUsage: synchub-receiver");
    check_run(LIST("--once", "x"), COMPLETE, 2, "", "unknown command 'x'");
    check_run(LIST("--check-config", "devices"), COMPLETE, 2, "", "takes no option before it");
    check_run(LIST(""), COMPLETE, 2, "", "unknown command ''");
}

static void check_config_prints_the_settings_or_what_is_wrong(void **state)
{
    (void)state;
    check_run(LIST("--check-config"), COMPLETE, 0, "SYNC_db=/x (from environment)\n", "");
    check_run(LIST("--check-config"), COMPLETE, 0, "SYNC_api_token=(hidden) (from environment)\n",
              "");
    check_run(LIST("--check-config"), LIST(NULL), 2, "", "error receiver: SYNC_api_token is not");
    check_run(LIST("--check-config"),
              LIST("SYNC_api_token=a token of the tests", "SYNC_encryption_key=short", "SYNC_x=1"),
              0, "SYNC_encryption_key=(hidden)", "warning receiver: SYNC_x is not a setting");
}

static void a_bad_setting_is_one_line_and_exit_2(void **state)
{
    (void)state;
    outcome o;
    start(&(command){.arguments = LIST(NULL), .environment = LIST("SYNC_db=/", "SYNC_listen=x")},
          &o);
    assert_int_equal(o.code, 2);
    assert_string_equal(o.out, "");
    assert_non_null(strstr(o.err, " error receiver: SYNC_db holds '/'"));
    assert_ptr_equal(strchr(o.err, '\n'), o.err + strlen(o.err) - 1);
    check_run(LIST(NULL), LIST("SYNC_listen=x", "SYNC_log_format=json"), 2, "",
              "\"level\":\"error\",\"program\":\"receiver\",\"message\":\"SYNC_listen");
}

static void the_services_own_check_counts(void **state)
{
    (void)state;
    const char *const *refused =
        LIST("SYNC_api_token=a token of the tests", "SYNC_encryption_key=a passphrase of the tests",
             "SYNC_db=/refused");
    check_run(LIST(NULL), refused, 2, "", "SYNC_db is refused by the service");
    check_run(LIST("--check-config"), refused, 2, "", "SYNC_db is refused by the service");
    check_run(LIST("whole"), refused, 2, "", "SYNC_db is refused by the service");
    check_run(LIST("devices"), refused, 7, "devices /refused:\n", "");
}

static void a_subcommand_gets_what_is_behind_its_name(void **state)
{
    (void)state;
    check_run(LIST("devices", "--json", "help"), LIST("SYNC_db=/y"), 7, "devices /y: --json help\n",
              "");
    check_run(LIST("devices"), COMPLETE, 7, "devices /x:\n", "");
    check_run(LIST("devices"), LIST("SYNC_db=/"), 2, "", "SYNC_db holds '/'");
    check_run(LIST("whole"), COMPLETE, 7, "devices /x token:\n", "");
    check_run(LIST("whole"), LIST(NULL), 2, "", "SYNC_api_token is not set");
}

/* --- Stopping, as seen by run() -------------------------------------------------------------- */

static bool stop_fd_is_readable(void)
{
    struct pollfd p = {.fd = sh_stop_fd(), .events = POLLIN};
    return poll(&p, 1, 0) == 1 && (p.revents & POLLIN) != 0;
}

static int stop_by_sigterm(bool once)
{
    (void)once;
    if (sh_stop_requested() || stop_fd_is_readable())
        return 1;
    if (sh_stop_wait(1) || sh_stop_wait(0) || sh_stop_wait(-5))
        return 2;
    (void)raise(SIGHUP);
    (void)raise(SIGPIPE);
    if (sh_stop_requested())
        return 3;
    (void)raise(SIGTERM);
    if (!sh_stop_requested() || !stop_fd_is_readable() || !stop_fd_is_readable())
        return 4;
    /* These would wait for hours were it not for the stop. */
    if (!sh_stop_wait(86400000) || !sh_stop_wait(INT64_MAX) || !sh_stop_wait(0))
        return 5;
    return 42;
}

static int stop_by_sigint(bool once)
{
    (void)once;
    (void)raise(SIGINT);
    return sh_stop_wait(86400000) ? 42 : 1;
}

/* A signal of another process, while the wait is on. */
static int stop_from_outside(bool once)
{
    (void)once;
    pid_t parent = getpid();
    pid_t child = fork();
    if (child == 0)
        _exit(kill(parent, SIGTERM));
    bool stopped = sh_stop_wait(86400000);
    (void)waitpid(child, NULL, 0);
    return stopped ? 42 : 1;
}

static void a_signal_ends_every_wait(void **state)
{
    (void)state;
    run_in_test = stop_by_sigterm;
    check_run(LIST(NULL), COMPLETE, 42, "run", "");
    run_in_test = stop_by_sigint;
    check_run(LIST(NULL), COMPLETE, 42, "run", "");
    run_in_test = stop_from_outside;
    check_run(LIST(NULL), COMPLETE, 42, "run", "");
}

static void without_a_service_nothing_is_stopped(void **state)
{
    (void)state;
    assert_int_equal(sh_stop_fd(), -1);
    assert_false(sh_stop_requested());
    assert_false(sh_stop_wait(1));
}

static int tell_core_dumps(bool once)
{
    (void)once;
    struct rlimit limit = {1, 1};
    if (getrlimit(RLIMIT_CORE, &limit) != 0 || limit.rlim_max != 0)
        return 1;
    return prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0 ? 42 : 2;
}

static void secrets_reach_no_core_file(void **state)
{
    (void)state;
    run_in_test = tell_core_dumps;
    check_run(LIST(NULL), COMPLETE, 42, "run", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_service_runs_and_its_code_is_the_exit_code),
        cmocka_unit_test(help_and_version_need_no_settings),
        cmocka_unit_test(help_comes_in_every_usual_way),
        cmocka_unit_test(a_group_alone_lists_its_subcommands),
        cmocka_unit_test(a_group_with_a_default_runs_it),
        cmocka_unit_test(help_lists_the_values_of_a_choice),
        cmocka_unit_test(describe_tells_all_that_help_tells_as_json),
        cmocka_unit_test(what_is_unknown_is_answered_with_the_usage),
        cmocka_unit_test(check_config_prints_the_settings_or_what_is_wrong),
        cmocka_unit_test(a_bad_setting_is_one_line_and_exit_2),
        cmocka_unit_test(the_services_own_check_counts),
        cmocka_unit_test(a_subcommand_gets_what_is_behind_its_name),
        cmocka_unit_test(a_signal_ends_every_wait),
        cmocka_unit_test(without_a_service_nothing_is_stopped),
        cmocka_unit_test(secrets_reach_no_core_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
