/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/cli/pager.h"

#include "libcommon/base/text.h"
#include "libcommon/runtime/service.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* The only one of this process. Written by whichever thread holds the stream's lock. */
static struct {
    const char *command; /* NULL: output goes to standard output */
    FILE *stream;
    size_t columns;
    pid_t pid; /* 0: not started */
    int pipe;  /* to its standard input */
    atomic_bool quit;
} pager = {.pipe = -1};

bool pager_has_quit(void)
{
    return atomic_load(&pager.quit);
}

size_t pager_columns(FILE *out)
{
    return out == pager.stream ? pager.columns : 0;
}

/* --- Which pager ----------------------------------------------------------------------------- */

static bool is_installed(const char *program, const char *path)
{
    char file[4096];
    for (sh_slice rest = sh_slice_of(path == NULL ? "" : path); rest.len > 0;) {
        size_t len = strcspn(rest.data, ":");
        if (snprintf(file, sizeof file, "%.*s/%s", (int)len, rest.data, program) <
                (int)sizeof file &&
            access(file, X_OK) == 0)
            return true;
        len = len < rest.len ? len + 1 : len;
        rest = (sh_slice){rest.data + len, rest.len - len};
    }
    return false;
}

const char *pager_choose(const char *command, const char *path)
{
    if (command == NULL)
        return is_installed("less", path) ? "less" : NULL;
    size_t blank = strspn(command, " \t");
    sh_slice word = {command + blank, strcspn(command + blank, " \t")};
    bool more = command[blank + word.len + strspn(command + blank + word.len, " \t")] != '\0';
    return word.len == 0 || (!more && sh_slice_equals(word, SH_SLICE("cat"))) ? NULL : command;
}

bool pager_may_inherit(const char *variable)
{
    static const char *const secret[] = {"SYNC_", "API_TOKEN", "PGPASS", "REDISCLI_AUTH"};
    for (size_t i = 0; i < sizeof secret / sizeof secret[0]; i++)
        if (strncasecmp(variable, secret[i], strlen(secret[i])) == 0)
            return false;
    return true;
}

/*
 * The environment of the pager; the caller frees the array. less: quits if all fits on one screen,
 * and starts no other programs, as this one may run with more rights than its user has (sudo).
 */
static char **make_environment(void)
{
    static char less[] = "LESS=FRX", lv[] = "LV=-c", secure[] = "LESSSECURE=1";
    const struct {
        const char *name;
        char *setting;
    } defaults[] = {{"LESS", less}, {"LV", lv}, {"LESSSECURE", secure}};
    size_t count = 0, kept = 0;
    while (environ[count] != NULL)
        count++;
    char **ret = calloc(count + sizeof defaults / sizeof defaults[0] + 1, sizeof *ret);
    if (ret == NULL)
        return NULL;
    for (size_t i = 0; i < count; i++)
        if (pager_may_inherit(environ[i]))
            ret[kept++] = environ[i];
    for (size_t i = 0; i < sizeof defaults / sizeof defaults[0]; i++)
        if (getenv(defaults[i].name) == NULL)
            ret[kept++] = defaults[i].setting;
    return ret;
}

/* --- Running it ------------------------------------------------------------------------------ */

static int spawn(const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attributes)
{
    char shell[] = "sh", option[] = "-c";
    char *command = strdup(pager.command);
    char **environment = make_environment();
    char *const argv[] = {shell, option, command, NULL};
    int failure = command == NULL || environment == NULL
                      ? ENOMEM
                      : posix_spawn(&pager.pid, "/bin/sh", actions, attributes, argv, environment);
    free(command);
    free(environment);
    return failure;
}

/* Returns 0 or an errno. */
static int spawn_reading(int input)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t defaults;
    (void)sigemptyset(&defaults);
    (void)sigaddset(&defaults, SIGPIPE);
    (void)sigaddset(&defaults, SIGINT);
    (void)sigaddset(&defaults, SIGQUIT);
    int failure = posix_spawn_file_actions_init(&actions);
    if (failure != 0)
        return failure;
    failure = posix_spawnattr_init(&attributes);
    if (failure == 0) {
        failure = posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
        if (failure == 0) /* Redis, the database */
            failure = posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
        if (failure == 0)
            failure = posix_spawnattr_setsigdefault(&attributes, &defaults);
        if (failure == 0)
            failure = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
        if (failure == 0)
            failure = spawn(&actions, &attributes);
        (void)posix_spawnattr_destroy(&attributes);
    }
    (void)posix_spawn_file_actions_destroy(&actions);
    return failure;
}

/* Without a pager the output goes to standard output. */
static void start(void)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        pager.pipe = STDOUT_FILENO;
        return;
    }
    /* The pager has the terminal: an interrupt is for it, and its end is noticed by EPIPE. */
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGINT, SIG_IGN);
    (void)signal(SIGQUIT, SIG_IGN);
    int failure = spawn_reading(ends[0]);
    (void)close(ends[0]);
    if (failure == 0) {
        pager.pipe = ends[1];
        return;
    }
    (void)close(ends[1]);
    (void)signal(SIGPIPE, SIG_DFL);
    (void)signal(SIGINT, SIG_DFL);
    (void)signal(SIGQUIT, SIG_DFL);
    pager.pid = 0;
    pager.pipe = STDOUT_FILENO;
}

/* The write function of the stream. What a pager that has ended does not read is dropped. */
static ssize_t write_to_pager(void *cookie, const char *data, size_t len)
{
    (void)cookie;
    if (pager.pipe < 0)
        start();
    for (size_t done = 0; done < len && !pager_has_quit();) {
        ssize_t written = write(pager.pipe, data + done, len - done);
        if (written >= 0)
            done += (size_t)written;
        else if (errno == EPIPE && pager.pid > 0)
            atomic_store(&pager.quit, true);
        else if (errno != EINTR)
            return 0; /* an error of the stream */
    }
    return (ssize_t)len;
}

/* Waits for the pager; false: it could not be run, so that nothing was shown. */
static bool end(void)
{
    int status = 0;
    if (pager.pid == 0)
        return true;
    (void)close(pager.pipe);
    while (waitpid(pager.pid, &status, 0) < 0 && errno == EINTR) {
    }
    (void)signal(SIGINT, SIG_DFL);
    (void)signal(SIGQUIT, SIG_DFL);
    (void)signal(SIGPIPE, SIG_DFL);
    return !WIFEXITED(status) || (WEXITSTATUS(status) != 126 && WEXITSTATUS(status) != 127);
}

/* --- Commands -------------------------------------------------------------------------------- */

/* Removes --no-pager from argv into *ret; returns whether the output may be paged. */
static bool read_arguments(int argc, char *const argv[], char **ret, int *count)
{
    bool paged = true;
    *count = 0;
    for (int i = 0; i < argc; i++) {
        bool is_option = strcmp(argv[i], "--no-pager") == 0;
        if (!is_option)
            ret[(*count)++] = argv[i];
        if (is_option || strcmp(argv[i], "--json") == 0 || strcmp(argv[i], "--csv") == 0)
            paged = false;
    }
    return paged;
}

static int run_paged(paged_command command, const sh_settings *settings, int argc,
                     char *const argv[])
{
    struct winsize size;
    char *messages = NULL;
    size_t len = 0;
    FILE *out =
        fopencookie(NULL, "w", (cookie_io_functions_t){.read = NULL, .write = write_to_pager});
    FILE *err = open_memstream(&messages, &len);
    if (out == NULL || err == NULL) {
        (void)fputs("synchub-receiver: out of memory\n", stderr);
        return SH_EXIT_FAILED; /* the process ends */
    }
    pager.stream = out;
    pager.columns = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
    int code = command(settings, argc, argv, out, err);
    (void)fclose(out);
    pager.stream = NULL;
    bool shown = end();
    (void)fclose(err);
    (void)fwrite(messages, 1, len, stderr);
    free(messages);
    if (shown)
        return code;
    (void)fprintf(stderr,
                  "synchub-receiver: the pager '%s' could not be run: correct PAGER, or use "
                  "--no-pager\n",
                  pager.command);
    return code == SH_EXIT_DONE ? SH_EXIT_FAILED : code;
}

int pager_run(paged_command command, const sh_settings *settings, int argc, char *const argv[])
{
    int count = 0;
    char **kept = calloc((size_t)argc + 1, sizeof *kept);
    if (kept == NULL) {
        (void)fputs("synchub-receiver: out of memory\n", stderr);
        return SH_EXIT_FAILED;
    }
    bool paged = read_arguments(argc, argv, kept, &count) && isatty(STDOUT_FILENO) == 1;
    pager.command = paged ? pager_choose(secure_getenv("PAGER"), getenv("PATH")) : NULL;
    int code = pager.command == NULL ? command(settings, count, kept, stdout, stderr)
                                     : run_paged(command, settings, count, kept);
    free(kept);
    return code;
}
