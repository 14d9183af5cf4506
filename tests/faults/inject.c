/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/faults/inject.h"

#include "libcommon/config/settings.h"
#include "libcommon/crypto/crypto.h"
#include "libcommon/runtime/log.h"
#include "tests/unit/unit.h"

#include <curl/curl.h>
#include <errno.h>
#include <hiredis/hiredis.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ARGUMENTS_MAX 1024 /* of a command to Redis */
#define TURNS_MAX 5000     /* more than any operation needs: detects an endless loop */

/* LeakSanitizer's check; NULL in builds without it. */
__attribute__((weak)) int __lsan_do_recoverable_leak_check(void);

/*
 * ASan quarantines freed memory to detect use after free. Its default of 256 MiB takes a third of
 * the time here, and a turn frees less than this.
 */
const char *__asan_default_options(void);

const char *__asan_default_options(void)
{
    return "quarantine_size_mb=4";
}

static struct {
    fault kind;
    atomic_long left; /* calls until it fires; 0 or less: no fault is set */
    bool forever;
    atomic_bool fired;
} armed;

static atomic_bool was_logged; /* a warning or an error was logged */
static bool write_torn;        /* the previous write was partial: the next one fails */

static bool fires(fault kind)
{
    if (atomic_load(&armed.left) <= 0 || armed.kind != kind)
        return false;
    if (atomic_fetch_sub(&armed.left, 1) != 1) /* threads of a server count together */
        return false;
    atomic_store(&armed.fired, true);
    if (armed.forever)
        atomic_store(&armed.left, 1);
    return true;
}

/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): the linker names them. */

#define WRAP(type, name, parameters)                                                               \
    type __real_##name parameters;                                                                 \
    type __wrap_##name parameters;                                                                 \
    type __wrap_##name parameters

WRAP(void *, malloc, (size_t bytes))
{
    return fires(FAULT_ALLOC) ? NULL : __real_malloc(bytes);
}

WRAP(void *, calloc, (size_t count, size_t bytes))
{
    return fires(FAULT_ALLOC) ? NULL : __real_calloc(count, bytes);
}

WRAP(void *, realloc, (void *memory, size_t bytes))
{
    return fires(FAULT_ALLOC) ? NULL : __real_realloc(memory, bytes);
}

WRAP(void *, reallocarray, (void *memory, size_t count, size_t bytes))
{
    return fires(FAULT_ALLOC) ? NULL : __real_reallocarray(memory, count, bytes);
}

WRAP(char *, strdup, (const char *text))
{
    return fires(FAULT_ALLOC) ? NULL : __real_strdup(text);
}

WRAP(char *, strndup, (const char *text, size_t len))
{
    return fires(FAULT_ALLOC) ? NULL : __real_strndup(text, len);
}

int __real_vasprintf(char **ret, const char *format, va_list args);
int __wrap_vasprintf(char **ret, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

int __wrap_vasprintf(char **ret, const char *format, va_list args)
{
    if (!fires(FAULT_ALLOC))
        return __real_vasprintf(ret, format, args);
    *ret = (char *)1; /* undefined after a failure: detects code that frees it */
    return -1;
}

static int fail_with(int number)
{
    errno = number;
    return -1;
}

WRAP(ssize_t, read, (int fd, void *bytes, size_t len))
{
    return fires(FAULT_READ) ? fail_with(EIO) : __real_read(fd, bytes, len);
}

WRAP(int, fstat, (int fd, struct stat *st))
{
    return fires(FAULT_READ) ? fail_with(EIO) : __real_fstat(fd, st);
}

WRAP(int, stat, (const char *path, struct stat *st))
{
    return fires(FAULT_READ) ? fail_with(EIO) : __real_stat(path, st);
}

WRAP(ssize_t, write, (int fd, const void *bytes, size_t len))
{
    if (write_torn) {
        write_torn = false;
        return fail_with(ENOSPC);
    }
    if (!fires(FAULT_WRITE))
        return __real_write(fd, bytes, len);
    if (len < 2)
        return fail_with(ENOSPC);
    write_torn = true;
    return __real_write(fd, bytes, len / 2);
}

WRAP(int, fsync, (int fd))
{
    return fires(FAULT_FSYNC) ? fail_with(EIO) : __real_fsync(fd);
}

WRAP(int, rename, (const char *from, const char *to))
{
    return fires(FAULT_RENAME) ? fail_with(EIO) : __real_rename(from, to);
}

WRAP(int, unlink, (const char *path))
{
    return fires(FAULT_UNLINK) ? fail_with(EIO) : __real_unlink(path);
}

WRAP(int, sqlite3_step, (sqlite3_stmt * statement))
{
    if (fires(FAULT_STEP_FULL))
        return SQLITE_FULL;
    if (fires(FAULT_STEP_BUSY))
        return SQLITE_BUSY;
    return fires(FAULT_STEP_NOMEM) ? SQLITE_NOMEM : __real_sqlite3_step(statement);
}

/* SQLITE_BUSY is injected, so waiting is pointless. */
int __wrap_sqlite3_sleep(int ms);

int __wrap_sqlite3_sleep(int ms)
{
    return ms;
}

WRAP(redisContext *, redisConnectWithTimeout, (const char *host, int port, struct timeval timeout))
{
    return fires(FAULT_REDIS_REQUEST) ? NULL : __real_redisConnectWithTimeout(host, port, timeout);
}

WRAP(redisContext *, redisConnectUnixWithTimeout, (const char *path, struct timeval timeout))
{
    return fires(FAULT_REDIS_REQUEST) ? NULL : __real_redisConnectUnixWithTimeout(path, timeout);
}

/* SQLite's own calls: the dynamic linker prefers these definitions. Nothing else here uses them. */
ssize_t pwrite(int fd, const void *bytes, size_t len, off_t at)
{
    if (!fires(FAULT_DB_WRITE))
        return syscall(SYS_pwrite64, fd, bytes, len, at);
    (void)!syscall(SYS_pwrite64, fd, bytes, len / 2, at); /* a partial write */
    return fail_with(ENOSPC);
}

int fdatasync(int fd)
{
    return fires(FAULT_DB_FSYNC) ? fail_with(EIO) : (int)syscall(SYS_fdatasync, fd);
}

int ftruncate(int fd, off_t len)
{
    return fires(FAULT_DB_TRUNCATE) ? fail_with(EIO) : (int)syscall(SYS_ftruncate, fd, len);
}

static int break_context(redisContext *context)
{
    context->err = REDIS_ERR_EOF;
    (void)snprintf(context->errstr, sizeof context->errstr, "broken for the test");
    return REDIS_ERR;
}

/* Removes BLOCK from XREADGROUP, to not wait for an empty queue. Returns the argument count. */
static int drop_block(int argc, const char **argv, size_t *lens)
{
    int kept = 0;
    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[0], "XREADGROUP") == 0 && strcmp(argv[i], "BLOCK") == 0) {
            i++; /* and its time */
            continue;
        }
        argv[kept] = argv[i];
        lens[kept++] = lens[i];
    }
    return kept;
}

long long __real_redisFormatCommandArgv(char **text, int argc, const char **argv,
                                        const size_t *lens);

/* Makes Redis answer as if it were out of memory. */
static long long format_full(char **text)
{
    const char *argv[] = {"EVAL",
                          "return redis.error_reply(\"OOM command not allowed when used memory > "
                          "'maxmemory'.\")",
                          "0"};
    return __real_redisFormatCommandArgv(text, 3, argv, NULL);
}

WRAP(long long, redisFormatCommandArgv,
     (char **text, int argc, const char **argv, const size_t *lens))
{
    size_t kept_lens[ARGUMENTS_MAX];
    assert_true(argc <= ARGUMENTS_MAX);
    if (fires(FAULT_REDIS_FULL))
        return format_full(text);
    memcpy(kept_lens, lens, (size_t)argc * sizeof *lens);
    argc = drop_block(argc, argv, kept_lens);
    return __real_redisFormatCommandArgv(text, argc, argv, kept_lens);
}

WRAP(int, redisAppendFormattedCommand, (redisContext * context, const char *text, size_t len))
{
    if (fires(FAULT_REDIS_REQUEST))
        return break_context(context);
    return __real_redisAppendFormattedCommand(context, text, len);
}

WRAP(int, redisGetReply, (redisContext * context, void **reply))
{
    int result = __real_redisGetReply(context, reply);
    if (result != REDIS_OK || *reply == NULL || !fires(FAULT_REDIS_REPLY))
        return result;
    freeReplyObject(*reply);
    *reply = NULL;
    return break_context(context);
}

WRAP(CURL *, curl_easy_init, (void))
{
    return fires(FAULT_HTTP_REQUEST) ? NULL : __real_curl_easy_init();
}

WRAP(CURLMcode, curl_multi_add_handle, (CURLM * multi, CURL *easy))
{
    return fires(FAULT_HTTP_REQUEST) ? CURLM_OUT_OF_MEMORY
                                     : __real_curl_multi_add_handle(multi, easy);
}

WRAP(CURLMsg *, curl_multi_info_read, (CURLM * multi, int *left))
{
    CURLMsg *message = __real_curl_multi_info_read(multi, left);
    if (message != NULL && message->msg == CURLMSG_DONE && fires(FAULT_HTTP_ANSWER))
        message->data.result = CURLE_RECV_ERROR;
    return message;
}

void __wrap_sh_log_at(const char *file, int line_number, sh_log_level level,
                      const sh_log_field *fields, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

void __wrap_sh_log_at(const char *file, int line_number, sh_log_level level,
                      const sh_log_field *fields, const char *format, ...)
{
    (void)fields;
    char line[2048]; /* formatted to detect invalid arguments */
    va_list args;
    va_start(args, format);
    (void)vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (level <= SH_LOG_WARNING)
        was_logged = true;
    if (getenv("FAULTS_LOG") != NULL)
        (void)fprintf(stderr, "%s:%d: %d %s\n", file, line_number, (int)level, line);
}

/* Caches the key of the passphrase, because its derivation is slow. */
WRAP(sh_err, sh_key_from_passphrase,
     (sh_slice passphrase, uint8_t ret[static SH_KEY_BYTES], sh_error *error))
{
    static uint8_t key[SH_KEY_BYTES];
    static bool known;
    if (!known && __real_sh_key_from_passphrase(passphrase, key, error) != SH_OK)
        return SH_E_MEMORY;
    known = true;
    memcpy(ret, key, sizeof key);
    return SH_OK;
}
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

static const char *const names[FAULT_KINDS] = {
    [FAULT_ALLOC] = "allocation",
    [FAULT_READ] = "read",
    [FAULT_WRITE] = "write",
    [FAULT_FSYNC] = "fsync",
    [FAULT_RENAME] = "rename",
    [FAULT_UNLINK] = "unlink",
    [FAULT_STEP_FULL] = "SQLite step (full)",
    [FAULT_STEP_BUSY] = "SQLite step (busy)",
    [FAULT_STEP_NOMEM] = "SQLite step (memory)",
    [FAULT_DB_WRITE] = "SQLite's write",
    [FAULT_DB_FSYNC] = "SQLite's fsync",
    [FAULT_DB_TRUNCATE] = "SQLite's truncation",
    [FAULT_REDIS_REQUEST] = "Redis request",
    [FAULT_REDIS_REPLY] = "Redis reply",
    [FAULT_REDIS_FULL] = "Redis full",
    [FAULT_HTTP_REQUEST] = "HTTP request",
    [FAULT_HTTP_ANSWER] = "HTTP answer",
};

bool inject_has_logged(void)
{
    return was_logged;
}

static sh_err act(const scenario *s, sh_error *error)
{
    *error = (sh_error){.code = SH_OK};
    was_logged = false;
    sh_err err = s->act(error);
    armed.left = 0;
    write_torn = false;
    if (s->check != NULL)
        s->check();
    return err;
}

/* One turn; false if the fault did not fire. */
static bool turn(const scenario *s, fault kind, bool forever, long n)
{
    sh_error error;
    s->begin();
    armed.kind = kind;
    armed.forever = forever;
    armed.fired = false;
    armed.left = n;
    sh_err err = act(s, &error);
    bool fired = armed.fired;
    if (err != SH_OK && !fired)
        fail_msg("%s: without a fault: %s", s->name, error.message);
    if (err != SH_OK && error.message[0] == '\0')
        fail_msg("%s: %s number %ld: failed without a message", s->name, names[kind], n);
    if (getenv("FAULTS_LOG") != NULL)
        (void)fprintf(stderr, "--- %s %ld%s: %s\n", names[kind], n, forever ? " for good" : "",
                      err == SH_OK ? "went on" : error.message);
    if (s->wait != NULL)
        s->wait();
    sh_err again = act(s, &error);
    if (again != SH_OK)
        fail_msg("%s: %s number %ld%s: and then, without a fault: %s", s->name, names[kind], n,
                 forever ? " for good" : "", error.message);
    s->end();
    return fired;
}

void faults_in_turn(const scenario *s)
{
    for (fault kind = 0; kind < FAULT_KINDS; kind++) {
        if ((s->kinds & FAULT_BIT(kind)) == 0)
            continue;
        for (int forever = 0; forever < 2; forever++) {
            long n = 1;
            while (turn(s, kind, forever == 1, n)) {
                n++;
                assert_true(n < TURNS_MAX);
            }
            if (__lsan_do_recoverable_leak_check != NULL && __lsan_do_recoverable_leak_check() != 0)
                fail_msg("%s: %s: something leaked", s->name, names[kind]);
            if (n == 1) /* a test whose faults never fire must not pass */
                fail_msg("%s: %s never occurred", s->name, names[kind]);
            print_message("%s: %ld × %s %s\n", s->name, n - 1, names[kind],
                          forever == 1 ? "for good" : "once");
        }
    }
}
