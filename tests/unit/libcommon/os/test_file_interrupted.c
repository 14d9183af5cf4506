/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/os/file.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

/* Every second call fails with EINTR, as if a signal interrupted it. */
static unsigned reads, syncs;

/* Replaces the function of libc. */
/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name) */
ssize_t read(int fd, void *buf, size_t nbytes)
{
    if (reads++ % 2 == 0) {
        errno = EINTR;
        return -1;
    }
    return syscall(SYS_read, fd, buf, nbytes);
}

int fsync(int fd)
{
    if (syncs++ % 2 == 0) {
        errno = EINTR;
        return -1;
    }
    return (int)syscall(SYS_fsync, fd);
}

static void interrupted_reads_and_syncs_are_repeated(void **state)
{
    (void)state;
    char dir[] = "/tmp/synchub-test-XXXXXX", path[64];
    assert_non_null(mkdtemp(dir));
    (void)snprintf(path, sizeof path, "%s/file", dir);
    assert_int_equal(sh_file_write(path, SH_SLICE("0123456789"), 0600, NULL), SH_OK);
    assert_true(syncs >= 4); /* file and folder */
    for (size_t limit = 10; limit < 14; limit++) {
        sh_buf content = SH_BUF_INIT(limit);
        sh_error error = {0};
        reads = 0;
        assert_int_equal(sh_file_read(path, &content, NULL, &error), SH_OK);
        assert_string_equal(content.data, "0123456789");
        assert_true(reads >= 4);
        sh_buf_reset(&content);
    }
    sh_buf content = SH_BUF_INIT(10);
    assert_int_equal(sh_file_read_own(path, &content, NULL), SH_OK);
    sh_buf_reset(&content);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(dir), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(interrupted_reads_and_syncs_are_repeated),
    };
    return cmocka_run_group_tests_name("file_interrupted", tests, NULL, NULL);
}
