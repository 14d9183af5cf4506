/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_FAULTS_PROGRAMS_H
#define TESTS_FAULTS_PROGRAMS_H

#include "tests/unit/unit.h"
#include "tests/wait.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* A real program as the peer of an exchange, in its own process without injected faults. */
typedef struct {
    pid_t pid;
    unsigned port;
} other_end;

static inline void other_end_exec(const char *name, const char *const settings[], int log)
{
    char path[1024];
    (void)snprintf(path, sizeof path, "%s/synchub-%s", PROGRAMS_DIR, name);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* do not outlive a test that is killed */
    (void)dup2(log, 1);
    (void)dup2(log, 2);
    char *const arguments[] = {path, NULL};
    execve(path, arguments, (char *const *)settings);
    (void)dprintf(2, "%s is not built\n", path);
    _exit(127);
}

/* Starts it and waits until it listens; settings are `NAME=value`, NULL-terminated. */
static inline void other_end_start(other_end *o, const char *name, const char *const settings[])
{
    char log_path[] = "/tmp/synchub-test-XXXXXX";
    int log = mkostemp(log_path, O_CLOEXEC);
    assert_true(log >= 0);
    o->pid = fork();
    assert_true(o->pid >= 0);
    if (o->pid == 0)
        other_end_exec(name, settings, log);
    char text[8192];
    const char *found = NULL;
    for (int tries = 0; found == NULL; tries++) {
        assert_true(tries < 1500);
        poll_pause_us(20000);
        ssize_t len = pread(log, text, sizeof text - 1, 0);
        text[len < 0 ? 0 : len] = '\0';
        found = strstr(text, "listening on 127.0.0.1:");
        if (waitpid(o->pid, NULL, WNOHANG) != 0)
            fail_msg("%s ended: %s", name, text);
    }
    o->port = (unsigned)strtoul(found + strlen("listening on 127.0.0.1:"), NULL, 10);
    (void)close(log);
    (void)unlink(log_path);
}

static inline void other_end_stop(other_end *o)
{
    assert_int_equal(kill(o->pid, SIGTERM), 0);
    int status = 0;
    assert_int_equal(waitpid(o->pid, &status, 0), o->pid);
    assert_int_equal(status, 0);
}

#endif
