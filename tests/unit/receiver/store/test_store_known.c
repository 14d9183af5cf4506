/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/store_fixture.h"

#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

/* When SQLite's table of devices is read into the cache of known MACs. */

#define ROWS 20000              /* their MACs take more than … */
#define MACS_BYTES (ROWS * 17L) /* … these, in the table's index */

static int64_t bytes_read;

/* In place of the function by which SQLite reads. */
ssize_t counted_pread(int fd, void *buffer, size_t bytes, off_t offset) __asm__("pread64");

ssize_t counted_pread(int fd, void *buffer, size_t bytes, off_t offset)
{
    bytes_read += (int64_t)bytes;
    return (ssize_t)syscall(SYS_pread64, fd, buffer, bytes, offset);
}

static void make_devices(void)
{
    store_close(opened());
    (void)sql("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)"
              " INSERT INTO Devices(devMac, devFirstConnection, devLastConnection)"
              " SELECT printf('02:00:00:00:%02x:%02x', i / 256, i % 256), '', '' FROM n");
}

/* Bytes that the first transaction reads; in it, the first device is known and another is not. */
static int64_t read_at_first(void)
{
    static const char *const texts[] = {"02:00:00:00:00:01", "02:00:00:ff:ff:ff"};
    sh_mac macs[2];
    const sh_mac *asked[] = {&macs[0], &macs[1]};
    bool known[2] = {false, true};
    store *s = opened();
    bytes_read = 0;
    assert_int_equal(store_begin(s, NULL), SH_OK);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(sh_mac_read(sh_slice_of(texts[i]), &macs[i], NULL), SH_OK);
    assert_int_equal(store_find_known(s, asked, 2, known, NULL), SH_OK);
    assert_true(known[0]);
    assert_false(known[1]);
    int64_t bytes = bytes_read;
    store_rollback(s);
    store_close(s);
    return bytes;
}

static void a_table_that_fits_is_read_once(void **state)
{
    (void)state;
    make_devices();
    assert_true(read_at_first() > MACS_BYTES);
}

static void a_table_that_does_not_fit_is_not_read(void **state)
{
    (void)state;
    make_devices();
    (void)sql("UPDATE Devices SET rowid = 1600000 WHERE rowid = 20000"); /* more than the cache has
                                                                            room for */
    assert_true(read_at_first() < MACS_BYTES / 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_table_that_fits_is_read_once, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(a_table_that_does_not_fit_is_not_read, folder_make,
                                        folder_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
