/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/runtime/service.h"

#include "libcommon/base/clock.h"
#include "libcommon/config/settings_load.h"
#include "libcommon/config/settings_print.h"
#include "libcommon/crypto/crypto.h"
#include "libcommon/runtime/command_help.h"
#include "libcommon/runtime/describe.h"
#include "libcommon/runtime/healthcheck.h"
#include "libcommon/runtime/log.h"
#include "libcommon/runtime/notify.h"
#include "libcommon/runtime/settings_reload.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#define POLL_MAX_MS 60000 /* of one poll(), whose time-out is an int */

#define OPEN_FILES 4096

#define STOP_MAX_S 9      /* after a SIGTERM the program has ended, whatever it waits for */
#define LOG_FLUSH_MS 1000 /* for the last lines to be taken by who reads them */

static int stop_fd = -1;
static int hangup_fd = -1;
static atomic_bool stop_requested;
static pthread_t main_thread; /* of the service's run() */

/* What the command line asks for. */
typedef struct {
    bool help, version, describe, check_config, once;
    const sh_subcommand *subcommand;
    const char *group; /* of subcommands, named without one of them */
    int rest_count;    /* arguments behind the subcommand's name */
    char *const *rest;
} command_line;

/* --- Stopping -------------------------------------------------------------------------------- */

static void on_stop_signal(int number)
{
    (void)number;
    int saved_errno = errno;
    if (!atomic_exchange(&stop_requested, true))
        (void)alarm(STOP_MAX_S);
    uint64_t one = 1;
    (void)!write(stop_fd, &one, sizeof one); /* it cannot be full */
    sh_notify_stopping();
    errno = saved_errno;
}

/*
 * Something does not end: a resolver, a disk, a library. To end here is what a kill would do, and
 * loses nothing.
 */
static void on_stop_deadline(int number)
{
    static const char words[] = "ending without what is still in hand: it took too long\n";
    struct pollfd waited = {.fd = STDERR_FILENO, .events = POLLOUT};
    (void)number;
    if (poll(&waited, 1, 0) == 1)
        (void)!write(STDERR_FILENO, words, sizeof words - 1);
    _exit(SH_EXIT_DONE);
}

static void on_hangup(int number)
{
    (void)number;
    int saved_errno = errno;
    uint64_t one = 1;
    (void)!write(hangup_fd, &one, sizeof one);
    errno = saved_errno;
}

static sh_err catch_signals(sh_error *error)
{
    stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    hangup_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (stop_fd < 0 || hangup_fd < 0)
        return sh_fail(error, SH_E_IO, "eventfd: %s", strerror(errno));
    struct sigaction stop = {.sa_handler = on_stop_signal, .sa_flags = SA_RESTART};
    struct sigaction hangup = {.sa_handler = on_hangup, .sa_flags = SA_RESTART};
    struct sigaction deadline = {.sa_handler = on_stop_deadline};
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    (void)sigemptyset(&deadline.sa_mask);
    (void)sigaction(SIGALRM, &deadline, NULL);
    (void)sigemptyset(&stop.sa_mask);
    (void)sigemptyset(&hangup.sa_mask);
    (void)sigemptyset(&ignore.sa_mask);
    (void)sigaction(SIGTERM, &stop, NULL);
    (void)sigaction(SIGINT, &stop, NULL);
    (void)sigaction(SIGPIPE, &ignore, NULL);
    (void)sigaction(SIGXFSZ, &ignore, NULL); /* a limit on files is a full disk, no reason to die */
    (void)sigaction(SIGHUP, &hangup, NULL);
    return SH_OK;
}

int sh_stop_fd(void)
{
    return stop_fd;
}

bool sh_stop_requested(void)
{
    return atomic_load(&stop_requested);
}

int sh_hangup_fd(void)
{
    return hangup_fd;
}

bool sh_hangup_take(void)
{
    uint64_t count;
    return hangup_fd >= 0 && read(hangup_fd, &count, sizeof count) == (ssize_t)sizeof count;
}

void sh_service_alive(void)
{
    if (pthread_equal(pthread_self(), main_thread))
        sh_notify_alive(SH_NOTIFY_MAIN);
}

/* One poll() of at most POLL_MAX_MS. Where a signal breaks it off, the caller's loop goes on. */
static void wait_some(int64_t ms)
{
    struct pollfd waited = {.fd = stop_fd, .events = POLLIN};
    sh_service_alive();
    ms = ms < POLL_MAX_MS ? ms : POLL_MAX_MS;
    ms = ms < sh_notify_interval_ms() ? ms : sh_notify_interval_ms();
    (void)poll(&waited, 1, (int)ms);
}

bool sh_stop_wait(int64_t ms)
{
    int64_t begin = sh_clock_monotonic_ms();
    for (;;) {
        int64_t waited = sh_clock_monotonic_ms() - begin;
        if (sh_stop_requested() || waited >= ms)
            return sh_stop_requested();
        wait_some(ms - waited);
    }
}

/* --- The subcommand that every program has --------------------------------------------------- */

/* For container engines, whose images may hold no other program that could ask. */
static int run_healthcheck(const sh_settings *settings, int argc, char *const argv[])
{
    sh_error error = {0};
    (void)argv;
    if (argc != 0) {
        sh_log_error("healthcheck takes no arguments");
        return SH_EXIT_CONFIG;
    }
    if (settings->listen[0] == '\0') {
        (void)puts("SYNC_listen is not set, so there is nothing to ask");
        return SH_EXIT_DONE;
    }
    /* The program itself is asked, whatever proxy stands before its peers. */
    if (setenv("no_proxy", "*", 1) != 0)
        return SH_EXIT_FAILED;
    if (sh_healthcheck(settings->listen, settings->tls_cert, &error) != SH_OK) {
        sh_log_error("%s", error.message);
        return SH_EXIT_FAILED;
    }
    (void)puts("ready");
    return SH_EXIT_DONE;
}

static const sh_subcommand healthcheck = {
    .name = "healthcheck",
    .usage = "healthcheck",
    .help = "ask the running program whether it is ready; exit with 0 or 1",
    .run = run_healthcheck,
};

/* --- The command line ------------------------------------------------------------------------ */

static bool read_option(const char *text, command_line *ret)
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

/* How many arguments make up the subcommand's name, which has one word or two; 0: it is another. */
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

static const sh_subcommand *find_subcommand(const sh_service *service, int argc, char *const argv[],
                                            int *words)
{
    for (const sh_subcommand *s = service->subcommands; s != NULL && s->name != NULL; s++) {
        *words = words_of(s, argc, argv);
        if (*words > 0)
            return s;
    }
    *words = words_of(&healthcheck, argc, argv);
    return *words > 0 ? &healthcheck : NULL;
}

static bool asks_for_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

/* Whether help is asked for behind the subcommand's name. */
static bool rest_asks_for_help(const command_line *command)
{
    for (int i = 0; i < command->rest_count; i++)
        if (asks_for_help(command->rest[i]))
            return true;
    return false;
}

/* Reads what stands behind the options; argc is at least 1. */
static bool read_words(const sh_service *service, int argc, char *const argv[], command_line *ret)
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
    ret->subcommand = find_subcommand(service, argc, argv, &words);
    if (ret->subcommand == NULL && sh_help_is_group(service, argv[0]) &&
        (argc == 1 || asks_for_help(argv[1]))) {
        ret->group = argv[0];
        ret->help = ret->help || argc > 1; /* `help node`, `node --help` */
        return true;
    }
    if (ret->subcommand == NULL) {
        sh_help_unknown(service, &healthcheck, argc, argv, stderr);
        return false;
    }
    ret->rest_count = argc - words;
    ret->rest = argv + words;
    ret->help = ret->help || rest_asks_for_help(ret);
    return true;
}

static bool read_command_line(const sh_service *service, int argc, char *const argv[],
                              command_line *ret)
{
    int i = 1;
    while (i < argc && read_option(argv[i], ret))
        i++;
    if (i < argc && !read_words(service, argc - i, argv + i, ret))
        return false;
    if (ret->subcommand != NULL && (ret->check_config || ret->once)) {
        (void)fprintf(stderr, "synchub-%s: '%s' takes no option before it\n", service->name,
                      ret->subcommand->name);
        return false;
    }
    return true;
}

/* Tells why standard output could not be written, as far as errno knows, and gives the exit code.
 */
static int fail_output(const sh_service *service)
{
    (void)fprintf(stderr, "synchub-%s: standard output could not be written%s%s\n", service->name,
                  errno == 0 ? "" : ": ", errno == 0 ? "" : strerror(errno));
    return SH_EXIT_FAILED;
}

/* Whoever reads standard output must get all of it: a full disk is no success. */
static int end_output(const sh_service *service, int code)
{
    errno = 0;
    if (code != SH_EXIT_DONE || (fflush(stdout) == 0 && !ferror(stdout)))
        return code;
    return fail_output(service);
}

/* Answers what needs no settings: help and the like. *code is then the exit code. */
static bool answer(const sh_service *service, const command_line *command, int *code)
{
    *code = SH_EXIT_DONE;
    if (command->group != NULL) {
        /* Alone, a group is a command that is not complete. */
        *code = command->help ? SH_EXIT_DONE : SH_EXIT_CONFIG;
        sh_help_group(service, command->group, command->help ? stdout : stderr);
    } else if (command->help && command->subcommand != NULL) {
        sh_help_subcommand(service, command->subcommand, stdout);
    } else if (command->help) {
        sh_help_program(service, &healthcheck, stdout);
    } else if (command->version) {
        sh_version_print(service->name, service->libraries, stdout);
    } else if (command->describe) {
        errno = 0;
        if (sh_service_describe(service, &healthcheck, stdout) != SH_OK)
            *code = fail_output(service);
    } else {
        return false;
    }
    return true;
}

/* --- Running --------------------------------------------------------------------------------- */

/* Token and keys are in memory, so neither a core file nor another process may have a look. */
static void forbid_core_dumps(void)
{
    struct rlimit none = {0, 0};
    (void)setrlimit(RLIMIT_CORE, &none);
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

/* A hub has many connections; the usual soft limit of 1024 files is there for old programs. */
static void allow_many_files(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur >= OPEN_FILES)
        return;
    files.rlim_cur = files.rlim_max < OPEN_FILES ? files.rlim_max : OPEN_FILES;
    (void)setrlimit(RLIMIT_NOFILE, &files);
}

static sh_err load(const sh_service *service, const sh_subcommand *subcommand,
                   sh_settings *settings, sh_error *error)
{
    bool whole = subcommand == NULL || subcommand->needs_secrets;
    sh_err err = whole ? sh_settings_load(service->program, environ, settings, error)
                 : subcommand == &healthcheck
                     ? sh_settings_load_probe(service->program, environ, settings, error)
                     : sh_settings_load_part(service->program, environ, settings, error);
    if (err == SH_OK && whole && service->check != NULL)
        err = service->check(settings, error);
    sh_log_init(service->name, (sh_log_level)settings->log_level,
                (sh_log_format)settings->log_format);
    return err;
}

static int check_config(const sh_service *service, const sh_settings *settings, sh_error *error)
{
    errno = 0;
    sh_err err = sh_settings_print(settings, service->program, stdout);
    if (err == SH_OK)
        return SH_EXIT_DONE;
    (void)sh_fail(error, err, "%s",
                  err == SH_E_IO && errno != 0 ? strerror(errno) : sh_err_name(err));
    sh_log_error("cannot print the settings: %s", error->message);
    return SH_EXIT_FAILED;
}

/*
 * NetAlertX's file says so by default, so that whoever asks for one run hardly knows. No run is no
 * success.
 */
static int refuse_unused(const sh_settings *settings)
{
    bool file = settings->config_file[0] != '\0';
    sh_log_error("nothing will be sent or pulled: SYNC_RUN is 'unused'%s%s, which is NetAlertX's "
                 "default; set SYNC_RUN=schedule, or another value that --help lists, in the "
                 "environment of this program%s",
                 file ? " in " : "", settings->config_file,
                 file ? ", which goes over that file" : "");
    return SH_EXIT_CONFIG;
}

static int run_until_ended(const sh_service *service, sh_settings *settings, bool once)
{
    int code = SH_RUN_AGAIN;
    if (!once)
        sh_settings_reload_begin(service, settings);
    while (code == SH_RUN_AGAIN) {
        code = service->run(settings, once || settings->run == SH_RUN_ONCE);
        sh_settings_reload_take(settings);
        sh_log_init(service->name, (sh_log_level)settings->log_level,
                    (sh_log_format)settings->log_format);
    }
    sh_settings_reload_end();
    return code;
}

static int run_service(const sh_service *service, sh_settings *settings, bool once)
{
    if (sh_stop_requested())
        return SH_EXIT_DONE;
    if (once && service->program != SH_FOR_RECEIVER && settings->run_is_unused)
        return refuse_unused(settings);
    sh_error manager = {0};
    if (sh_notify_init(&manager) != SH_OK)
        sh_log_warning("%s", manager.message);
    main_thread = pthread_self();
    int code = run_until_ended(service, settings, once);
    if (code == SH_EXIT_DONE)
        sh_notify_ready("done"); /* a service that ends at once was started all the same */
    return code;
}

static int run_with_settings(const sh_service *service, const command_line *command)
{
    sh_settings settings;
    sh_error error = {0};
    const sh_subcommand *subcommand = command->subcommand;
    int code;
    /* A subcommand ends at a signal as any command does. */
    bool serves = subcommand == NULL && !command->check_config;
    if (sh_crypto_init(&error) != SH_OK || (serves && catch_signals(&error) != SH_OK)) {
        sh_log_error("%s", error.message);
        return SH_EXIT_FAILED;
    }
    sh_err err = load(service, subcommand, &settings, &error);
    for (size_t i = 0; i < settings.warnings.count; i++)
        sh_log_warning("%s", settings.warnings.items[i]);
    if (err != SH_OK) {
        sh_log_error("%s", error.message);
        code = err == SH_E_MEMORY ? SH_EXIT_FAILED : SH_EXIT_CONFIG;
    } else if (command->check_config) {
        code = check_config(service, &settings, &error);
    } else if (subcommand != NULL) {
        code = subcommand->run(&settings, command->rest_count, command->rest);
    } else {
        code = run_service(service, &settings, command->once);
    }
    sh_settings_reset(&settings);
    return code;
}

static int run_command_line(const sh_service *service, int argc, char *const argv[])
{
    command_line command = {0};
    int code;
    if (!read_command_line(service, argc, argv, &command))
        return SH_EXIT_CONFIG;
    if (answer(service, &command, &code))
        return code;
    forbid_core_dumps();
    allow_many_files();
    return run_with_settings(service, &command);
}

int sh_service_main(const sh_service *service, int argc, char *const argv[])
{
    sh_version_init(service->commit);
    sh_settings_set_folders(SYNCHUB_ETC, "/etc/credstore");
    sh_log_init(service->name, SH_LOG_INFO, SH_LOG_TEXT);
    int code = run_command_line(service, argc, argv);
    code = end_output(service, code);
    (void)sh_log_flush(LOG_FLUSH_MS);
    return code;
}
