/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/limits.h"
#include "libcommon/runtime/log.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <regex.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define PATIENCE_MS 30000

/*
 * Standard error becomes one end of a packet socket while a test logs, so that each write(2)
 * arrives as one packet.
 */
static int saved_stderr = -1;
static int packets = -1;

static void capture(void)
{
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
    saved_stderr = dup(STDERR_FILENO);
    assert_true(saved_stderr >= 0);
    assert_int_equal(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
    assert_int_equal(close(ends[1]), 0);
    packets = ends[0];
}

static void release(void)
{
    (void)sh_log_flush(PATIENCE_MS);
    assert_int_equal(dup2(saved_stderr, STDERR_FILENO), STDERR_FILENO);
    (void)close(saved_stderr);
    (void)close(packets);
}

/* The next line written, NUL-terminated; false where there is none. */
static bool next_line(char *ret, size_t size)
{
    (void)sh_log_flush(PATIENCE_MS);
    ssize_t n = recv(packets, ret, size - 1, MSG_DONTWAIT);
    ret[n < 0 ? 0 : n] = '\0';
    return n > 0;
}

static void check_matches(const char *line, const char *pattern)
{
    regex_t regex;
    assert_int_equal(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
    bool matches = regexec(&regex, line, 0, NULL, 0) == 0;
    regfree(&regex);
    if (!matches)
        fail_msg("%s does not match %s", line, pattern);
}

#define TIME "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}[.][0-9]{3}Z"

static void a_text_line_has_time_level_program_and_message(void **state)
{
    (void)state;
    char line[32768];
    capture();
    sh_log_init("receiver", SH_LOG_DEBUG, SH_LOG_TEXT);
    sh_log_warning("node %s: %d rows", "Zürich", 5);
    bool written = next_line(line, sizeof line);
    release();
    assert_true(written);
    check_matches(line, "^" TIME " warning receiver: node Zürich: 5 rows\n$");
}

static void a_json_line_is_one_object(void **state)
{
    (void)state;
    char line[32768];
    capture();
    sh_log_init("puller", SH_LOG_INFO, SH_LOG_JSON);
    sh_log_error("said \"no\" \\ é");
    bool written = next_line(line, sizeof line);
    release();
    assert_true(written);
    check_matches(line, "^\\{\"time\":\"" TIME "\",\"level\":\"error\",\"program\":\"puller\","
                        "\"message\":\"said \\\\\"no\\\\\" \\\\\\\\ é\"\\}\n$");
}

static void what_would_break_a_line_is_escaped(void **state)
{
    (void)state;
    static const struct {
        const char *message, *text, *json;
    } cases[] = {
        {"a\nb\r\t", "a\\x0ab\\x0d\\x09", "a\\u000ab\\u000d\\u0009"},
        {"\x1b[31m\x7f", "\\x1b[31m\\x7f", "\\u001b[31m\\u007f"},
        {"\xc2\x9b", "\\x9b", "\\u009b"},
        {"\xff\xc3", "\\xff\\xc3", "\\ufffd\\ufffd"},
        {"\xed\xa0\x80", "\\xed\\xa0\\x80", "\\ufffd\\ufffd\\ufffd"},
        {"\xc0\x80", "\\xc0\\x80", "\\ufffd\\ufffd"},
        {"😀", "😀", "😀"},
        {"\"\\", "\"\\", "\\\"\\\\"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[32768], json[32768];
        capture();
        sh_log_init("p", SH_LOG_INFO, SH_LOG_TEXT);
        sh_log_info("<%s>", cases[i].message);
        bool text_written = next_line(text, sizeof text);
        sh_log_init("p", SH_LOG_INFO, SH_LOG_JSON);
        sh_log_info("<%s>", cases[i].message);
        bool json_written = next_line(json, sizeof json);
        release();
        assert_true(text_written && json_written);
        char expected[128];
        (void)snprintf(expected, sizeof expected, ": <%s>\n", cases[i].text);
        if (strstr(text, expected) == NULL)
            fail_msg("%s in text: %s", expected, text);
        (void)snprintf(expected, sizeof expected, "\"message\":\"<%s>\"}\n", cases[i].json);
        if (strstr(json, expected) == NULL)
            fail_msg("%s in JSON: %s", expected, json);
    }
}

static void lines_over_the_level_are_left_out(void **state)
{
    (void)state;
    static const char *const names[] = {" error ", " warning ", " info ", " debug "};
    for (int level = SH_LOG_ERROR; level <= SH_LOG_DEBUG; level++) {
        char lines[5][512];
        size_t count = 0;
        capture();
        sh_log_init("p", (sh_log_level)level, SH_LOG_TEXT);
        sh_log_error("x");
        sh_log_warning("x");
        sh_log_info("x");
        sh_log_debug("x");
        while (count < 5 && next_line(lines[count], sizeof lines[0]))
            count++;
        release();
        assert_int_equal(count, level + 1);
        for (size_t i = 0; i < count; i++)
            assert_non_null(strstr(lines[i], names[i]));
    }
}

static void a_long_message_is_cut_and_the_line_still_whole(void **state)
{
    (void)state;
    static char message[20000];
    static const struct {
        char filler;
        sh_log_format format;
        const char *end;
    } cases[] = {
        {'a', SH_LOG_TEXT, "aaa\n"},
        {'a', SH_LOG_JSON, "aaa\"}\n"},
        {'\x01', SH_LOG_TEXT, "\\x01…\n"}, /* four times as long when escaped */
        {'\x01', SH_LOG_JSON, "\\u0001…\"}\n"},
        {'"', SH_LOG_JSON, "\\\"\\\"\"}\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char line[32768], more[64];
        memset(message, cases[i].filler, sizeof message - 1);
        capture();
        sh_log_init("p", SH_LOG_INFO, cases[i].format);
        sh_log_info("%s", message);
        bool written = next_line(line, sizeof line);
        bool second = next_line(more, sizeof more);
        release();
        assert_true(written);
        assert_false(second);
        size_t end = strlen(cases[i].end);
        assert_true(strlen(line) > end && strlen(line) <= 16384);
        assert_string_equal(line + strlen(line) - end, cases[i].end);
    }
}

static void logging_keeps_errno(void **state)
{
    (void)state;
    capture();
    sh_log_init("p", SH_LOG_INFO, SH_LOG_TEXT);
    (void)close(packets); /* the write fails */
    packets = dup(saved_stderr);
    errno = ENOENT;
    sh_log_info("x");
    int kept = errno;
    release();
    assert_int_equal(kept, ENOENT);
}

static void fields_are_pairs_in_text_and_members_in_json(void **state)
{
    (void)state;
    char text[2048], json[2048];
    const sh_log_field *fields =
        SH_LOG_FIELDS(SH_LOG_NODE("Küche \"1\"\xe2\x80\xae"), SH_LOG_PLUGIN(""), SH_LOG_PEER(NULL),
                      SH_LOG_ROWS(3), SH_LOG_REASON("no: such = thing"));
    capture();
    sh_log_init("p", SH_LOG_INFO, SH_LOG_TEXT);
    sh_log_event(SH_LOG_INFO, fields, "merged %d", 1);
    bool text_written = next_line(text, sizeof text);
    sh_log_init("p", SH_LOG_INFO, SH_LOG_JSON);
    sh_log_event(SH_LOG_INFO, fields, "merged %d", 1);
    bool json_written = next_line(json, sizeof json);
    release();
    assert_true(text_written && json_written);
    assert_non_null(strstr(text,
                           " info p: merged 1 node=\"Küche \\\"1\\\"\\u202e\" plugin=- rows=3: "
                           "no: such = thing\n"));
    assert_non_null(strstr(json, ",\"message\":\"merged 1\",\"node\":\"Küche \\\"1\\\"\\u202e\","
                                 "\"rows\":3,\"reason\":\"no: such = thing\"}\n"));
}

static void a_long_field_is_cut_and_the_others_stay(void **state)
{
    (void)state;
    static char node[5000], line[32768];
    memset(node, 1, sizeof node - 1);
    capture();
    sh_log_init("p", SH_LOG_INFO, SH_LOG_JSON);
    sh_log_event(SH_LOG_INFO, SH_LOG_FIELDS(SH_LOG_NODE(node), SH_LOG_ROWS(7)), "%s", node);
    bool written = next_line(line, sizeof line);
    release();
    assert_true(written);
    assert_true(strlen(line) <= 16384);
    assert_non_null(strstr(line, "…\",\"rows\":7}\n"));
}

/* Lines until none is left; how many hold text. */
static size_t count_lines(const char *text)
{
    char line[32768];
    size_t count = 0;
    while (next_line(line, sizeof line))
        count += strstr(line, text) != NULL;
    return count;
}

static void lines_that_repeat_are_summed_up_for_each_node(void **state)
{
    (void)state;
    char line[2048];
    capture();
    sh_log_init("p", SH_LOG_INFO, SH_LOG_JSON);
    for (int i = 0; i < 817; i++)
        sh_log_event(SH_LOG_WARNING, SH_LOG_FIELDS(SH_LOG_NODE("Loud"), SH_LOG_PEER("10.0.0.1")),
                     "refused a push with %d", 403);
    sh_log_event(SH_LOG_WARNING, SH_LOG_FIELDS(SH_LOG_NODE("Quiet"), SH_LOG_PEER("10.0.0.1")),
                 "refused a push with %d", 404);
    size_t loud = 0, quiet = 0, sums = 0;
    while (next_line(line, sizeof line)) {
        bool is_sum = strstr(line, "\"repeated\":812,\"seconds\":") != NULL;
        sums += is_sum;
        loud += !is_sum && strstr(line, "Loud") != NULL;
        quiet += strstr(line, "Quiet") != NULL;
        if (is_sum)
            assert_non_null(strstr(line, "\"message\":\"refused a push with 403\","
                                         "\"node\":\"Loud\",\"peer\":\"10.0.0.1\""));
    }
    release();
    assert_int_equal(loud, 5);
    assert_int_equal(quiet, 1);
    assert_int_equal(sums, 1);
}

static void a_peer_that_varies_its_words_gets_no_more_lines(void **state)
{
    (void)state;
    capture();
    sh_log_init("p", SH_LOG_INFO, SH_LOG_TEXT);
    size_t lines = 0;
    for (int i = 0; i < 5000; i++) {
        char node[32];
        (void)snprintf(node, sizeof node, "invented %d", i);
        sh_log_event(SH_LOG_WARNING, SH_LOG_FIELDS(SH_LOG_NODE(node), SH_LOG_PEER("10.0.0.2")),
                     "refused");
        if (i % 20 == 0) /* a packet socket holds few packets */
            lines += count_lines("refused");
    }
    lines += count_lines("refused");
    release();
    /* Those of the burst, and sums of those that followed. */
    assert_in_range(lines, SH_LOG_PEER_BURST, SH_LOG_PEER_BURST + 5000 / 20 + 1);
}

/* Whether a line came through a full pipe's reader at last. */
static void a_reader_that_does_not_read_blocks_nobody(void **state)
{
    (void)state;
    int ends[2];
    char bytes[4096], seen[2 * sizeof bytes + 1]; /* old bytes, new ones, NUL */
    assert_int_equal(pipe(ends), 0);
    saved_stderr = dup(STDERR_FILENO);
    assert_int_equal(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
    assert_int_equal(close(ends[1]), 0);
    sh_log_init("p", SH_LOG_DEBUG, SH_LOG_TEXT);
    /* More than pipe and queue hold: were one of these calls to wait, the test would not end. */
    for (int i = 0; i < 5000; i++)
        sh_log_debug("a line that nobody reads, %d, and that is a little longer than that", i);
    assert_false(sh_log_flush(1));
    assert_true(sh_log_lines_lost() > 0);
    size_t len = 0;
    seen[0] = '\0';
    while (strstr(seen, "log lines were lost: standard error was not read") == NULL) {
        ssize_t n = read(ends[0], bytes, sizeof bytes);
        assert_true(n > 0);
        size_t kept = len < sizeof bytes ? len : sizeof bytes;
        memmove(seen, seen + len - kept, kept);
        memcpy(seen + kept, bytes, (size_t)n);
        len = kept + (size_t)n;
        seen[len] = '\0';
    }
    struct pollfd unread = {.fd = ends[0], .events = POLLIN};
    while (!sh_log_flush(1))
        if (poll(&unread, 1, 0) == 1)
            assert_true(read(ends[0], bytes, sizeof bytes) > 0);
    assert_int_equal(dup2(saved_stderr, STDERR_FILENO), STDERR_FILENO);
    (void)close(saved_stderr);
    (void)close(ends[0]);
}

#define THREADS 4
#define LINES_EACH 20

static void *log_lines(void *context)
{
    for (int i = 0; i < LINES_EACH; i++)
        sh_log_info("thread %s", (const char *)context);
    return NULL;
}

static void threads_do_not_mix_their_lines(void **state)
{
    (void)state;
    static const char *const names[THREADS] = {"aaaa", "bbbb", "cccc", "dddd"};
    pthread_t threads[THREADS];
    size_t seen[THREADS] = {0};
    size_t others = 0;
    char line[512];
    capture();
    sh_log_init("p", SH_LOG_INFO, SH_LOG_TEXT);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, log_lines, (void *)names[i]), 0);
    for (size_t n = 0; n < (size_t)THREADS * LINES_EACH; n++) {
        ssize_t len = recv(packets, line, sizeof line - 1, 0);
        line[len < 0 ? 0 : len] = '\0';
        bool known = false;
        for (size_t i = 0; i < THREADS && !known; i++) {
            char expected[64];
            (void)snprintf(expected, sizeof expected, " info p: thread %s\n", names[i]);
            known = strstr(line, expected) != NULL;
            seen[i] += known;
        }
        others += !known;
    }
    for (size_t i = 0; i < THREADS; i++)
        (void)pthread_join(threads[i], NULL);
    release();
    assert_int_equal(others, 0);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(seen[i], LINES_EACH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_line_has_time_level_program_and_message),
        cmocka_unit_test(a_json_line_is_one_object),
        cmocka_unit_test(what_would_break_a_line_is_escaped),
        cmocka_unit_test(lines_over_the_level_are_left_out),
        cmocka_unit_test(a_long_message_is_cut_and_the_line_still_whole),
        cmocka_unit_test(logging_keeps_errno),
        cmocka_unit_test(threads_do_not_mix_their_lines),
        cmocka_unit_test(fields_are_pairs_in_text_and_members_in_json),
        cmocka_unit_test(a_long_field_is_cut_and_the_others_stay),
        cmocka_unit_test(lines_that_repeat_are_summed_up_for_each_node),
        cmocka_unit_test(a_peer_that_varies_its_words_gets_no_more_lines),
        cmocka_unit_test(a_reader_that_does_not_read_blocks_nobody),
    };
    (void)signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
