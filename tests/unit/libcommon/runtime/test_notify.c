/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/clock.h"
#include "libcommon/runtime/notify.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* --- A service manager's socket, with an abstract name that the kernel chooses --------------- */

static int manager_fd = -1;
static char manager_name[sizeof((struct sockaddr_un *)NULL)->sun_path + 1];

static int start_manager(void **state)
{
    (void)state;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    socklen_t size = sizeof(sa_family_t); /* the kernel chooses */
    manager_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_true(manager_fd >= 0);
    assert_int_equal(bind(manager_fd, (struct sockaddr *)&address, size), 0);
    size = sizeof address;
    assert_int_equal(getsockname(manager_fd, (struct sockaddr *)&address, &size), 0);
    (void)snprintf(manager_name, sizeof manager_name, "@%.*s",
                   (int)(size - offsetof(struct sockaddr_un, sun_path) - 1), address.sun_path + 1);
    return 0;
}

static int stop_manager(void **state)
{
    (void)state;
    (void)close(manager_fd);
    return 0;
}

/* The next message, or "" where there is none. */
static const char *next_message(void)
{
    static char text[4096];
    ssize_t n = recv(manager_fd, text, sizeof text - 1, MSG_DONTWAIT);
    text[n > 0 ? n : 0] = '\0';
    return text;
}

/* Runs a service in a process of its own, since the module has one state for each process. */
static void run_service(void (*service)(void), const char *watchdog_usec)
{
    (void)fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        sh_error error = {0};
        (void)setenv("NOTIFY_SOCKET", manager_name, 1);
        if (watchdog_usec != NULL)
            (void)setenv("WATCHDOG_USEC", watchdog_usec, 1);
        if (sh_notify_init(&error) != SH_OK)
            _exit(1);
        service();
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* --- Messages -------------------------------------------------------------------------------- */

static void live_and_end(void)
{
    sh_notify_ready("listening");
    sh_notify_ready("again");
    sh_notify_status("%d nodes\nREADY=0", 3);
    sh_notify_reloading();
    sh_notify_reloaded();
    sh_notify_stopping();
}

static void the_manager_is_told_of_every_state_once(void **state)
{
    (void)state;
    run_service(live_and_end, NULL);
    assert_string_equal(next_message(), "READY=1\nSTATUS=listening");
    assert_string_equal(next_message(), "STATUS=3 nodes READY=0");
    const char *reloading = next_message();
    assert_memory_equal(reloading, "RELOADING=1\nMONOTONIC_USEC=", 27);
    assert_true(strtoll(reloading + 27, NULL, 10) > 0);
    assert_string_equal(next_message(), "READY=1");
    assert_string_equal(next_message(), "STOPPING=1\nSTATUS=stopping");
    assert_string_equal(next_message(), "");
}

static void tell_a_long_status(void)
{
    char text[2000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    sh_notify_ready(text);
}

static void a_long_status_is_cut(void **state)
{
    (void)state;
    run_service(tell_a_long_status, NULL);
    const char *message = next_message();
    assert_memory_equal(message, "READY=1\nSTATUS=xxx", 18);
    assert_true(strlen(message) < 600);
}

static void without_a_manager_nothing_is_told(void **state)
{
    (void)state;
    sh_error error = {0};
    assert_int_equal(unsetenv("NOTIFY_SOCKET"), 0);
    assert_int_equal(sh_notify_init(&error), SH_OK);
    live_and_end();
    sh_notify_alive(SH_NOTIFY_MAIN);
    assert_true(sh_notify_interval_ms() == INT64_MAX);
    assert_string_equal(next_message(), "");
}

static void check_refused(const char *path, sh_err expected, const char *message)
{
    sh_error error = {0};
    assert_int_equal(setenv("NOTIFY_SOCKET", path, 1), 0);
    assert_int_equal(sh_notify_init(&error), expected);
    if (strstr(error.message, message) == NULL)
        fail_msg("'%s' does not say '%s'", error.message, message);
    assert_int_equal(unsetenv("NOTIFY_SOCKET"), 0);
}

static void an_unfit_socket_is_refused_with_its_name(void **state)
{
    (void)state;
    char long_path[200];
    memset(long_path, '/', sizeof long_path - 1);
    long_path[sizeof long_path - 1] = '\0';
    check_refused("run/notify", SH_E_CONFIG, "'run/notify'");
    check_refused("vsock:2:1", SH_E_CONFIG, "'vsock:2:1'");
    check_refused(long_path, SH_E_CONFIG, "NOTIFY_SOCKET");
    check_refused("/nowhere/notify", SH_E_IO, "/nowhere/notify: No such file");
}

/* --- The watchdog ---------------------------------------------------------------------------- */

static void beat_alone(void)
{
    int64_t begin = sh_clock_monotonic_ms();
    if (sh_notify_interval_ms() != 1)
        _exit(2);
    while (sh_clock_monotonic_ms() - begin < 5)
        sh_notify_alive(SH_NOTIFY_MAIN);
    sh_notify_alive(SH_NOTIFY_MAIN);
}

static void beat_often(void)
{
    for (int i = 0; i < 1000; i++)
        sh_notify_alive(SH_NOTIFY_MAIN);
}

static void beat_while_another_part_hangs(void)
{
    sh_notify_expect(SH_NOTIFY_LISTENER);
    beat_alone();
}

static void beat_after_the_other_part_ended(void)
{
    sh_notify_expect(SH_NOTIFY_LISTENER);
    sh_notify_dismiss(SH_NOTIFY_LISTENER);
    beat_alone();
}

static int count_feeds(void)
{
    int feeds = 0;
    for (const char *message = next_message(); message[0] != '\0'; message = next_message()) {
        assert_string_equal(message, "WATCHDOG=1");
        feeds++;
    }
    return feeds;
}

static void the_watchdog_is_fed_and_not_with_every_beat(void **state)
{
    (void)state;
    run_service(beat_alone, "4000");
    assert_true(count_feeds() > 0);
    run_service(beat_often, "4000000000");
    assert_in_range(count_feeds(), 0, 1);
}

static void a_part_that_hangs_starves_the_watchdog(void **state)
{
    (void)state;
    run_service(beat_while_another_part_hangs, "4000");
    assert_int_equal(count_feeds(), 0);
    run_service(beat_after_the_other_part_ended, "4000");
    assert_true(count_feeds() > 0);
}

static void beat_for_another_process(void)
{
    if (sh_notify_interval_ms() != INT64_MAX)
        _exit(3);
}

static void a_watchdog_of_another_process_is_not_ours(void **state)
{
    (void)state;
    assert_int_equal(setenv("WATCHDOG_PID", "1", 1), 0);
    run_service(beat_for_another_process, "4000");
    assert_int_equal(unsetenv("WATCHDOG_PID"), 0);
}

static void an_unfit_watchdog_is_refused(void **state)
{
    (void)state;
    assert_int_equal(setenv("WATCHDOG_USEC", "soon", 1), 0);
    check_refused(manager_name, SH_E_CONFIG, "WATCHDOG_USEC is 'soon'");
    assert_int_equal(setenv("WATCHDOG_USEC", "0", 1), 0);
    check_refused(manager_name, SH_E_CONFIG, "WATCHDOG_USEC is '0'");
    assert_int_equal(unsetenv("WATCHDOG_USEC"), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start_manager, stop_manager)
    const struct CMUnitTest tests[] = {
        TEST(the_manager_is_told_of_every_state_once),
        TEST(a_long_status_is_cut),
        TEST(without_a_manager_nothing_is_told),
        TEST(an_unfit_socket_is_refused_with_its_name),
        TEST(the_watchdog_is_fed_and_not_with_every_beat),
        TEST(a_part_that_hangs_starves_the_watchdog),
        TEST(a_watchdog_of_another_process_is_not_ours),
        TEST(an_unfit_watchdog_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
