/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/store_fixture.h"

#include "receiver/store/store_location.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

/* The path of the database, and errors of that path. */

static void expect_refusal(const char *path, store_access access, sh_err expected,
                           const char *message)
{
    store *s = NULL;
    sh_error error = {.code = SH_OK};
    sh_err err = store_open(path, access, &s, &error);
    store_close(s);
    if (err != expected || strstr(error.message, message) == NULL)
        fail_msg("%s: %d '%s' does not say '%s'", path, (int)err, error.message, message);
}

static void network_file_systems_are_told_from_local_ones(void **state)
{
    (void)state;
    static const struct {
        unsigned long type;
        const char *name;
    } cases[] = {
        {0x6969, "NFS"},        {0xff534d42, "CIFS"}, {0xffffffffff534d42, "CIFS"},
        {0xfe534d42, "SMB2"},   {0x01021997, "9P"},   {0x00c36400, "Ceph"},
        {0x0bd00bd0, "Lustre"}, {0x5346414f, "AFS"},  {0xef53 /* ext4 */, NULL},
        {0x58465342, NULL},     {0x9123683e, NULL},   {0x01021994 /* tmpfs */, NULL},
        {0x794c7630, NULL},     {0x65735546, NULL},   {0x2fc12fc1, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *name = store_place_network_name(cases[i].type);
        if (cases[i].name == NULL)
            assert_null(name);
        else
            assert_string_equal(name, cases[i].name);
    }
}

static void a_missing_folder_is_named(void **state)
{
    (void)state;
    char path[200];
    (void)snprintf(path, sizeof path, "%s/none/synchub.db", folder);
    expect_refusal(path, STORE_READ_WRITE, SH_E_IO, "/none of SYNC_db does not exist");
    expect_refusal(path, STORE_READ_ONLY, SH_E_IO, "/none of SYNC_db does not exist");
}

static void what_cannot_be_a_database_file_is_refused(void **state)
{
    (void)state;
    char slash[200];
    (void)snprintf(slash, sizeof slash, "%s/none/", folder);
    expect_refusal("", STORE_READ_WRITE, SH_E_CONFIG, "SYNC_db is empty");
    expect_refusal(folder, STORE_READ_WRITE, SH_E_CONFIG, "not a regular file");
    expect_refusal(slash, STORE_READ_WRITE, SH_E_CONFIG, "names the folder");
    expect_refusal("/dev/null", STORE_READ_WRITE, SH_E_CONFIG, "not a regular file");
    expect_refusal("PostgreS://hub/db", STORE_READ_ONLY, SH_E_CONFIG, "PostgreSQL");
}

static void a_database_that_must_exist_and_does_not_is_told(void **state)
{
    (void)state;
    expect_refusal(db_path, STORE_READ_ONLY, SH_E_NOT_FOUND, "there is no database");
    assert_int_not_equal(access(db_path, F_OK), 0);
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void a_file_that_is_no_database_is_refused_and_kept(void **state)
{
    (void)state;
    char text[5000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    write_file(db_path, text);
    expect_refusal(db_path, STORE_READ_WRITE, SH_E_IO, "not an SQLite database");
    expect_refusal(db_path, STORE_READ_ONLY, SH_E_IO, "not an SQLite database");
    struct stat st;
    assert_int_equal(stat(db_path, &st), 0);
    assert_int_equal(st.st_size, sizeof text - 1);
}

static void a_database_of_a_newer_version_is_refused(void **state)
{
    (void)state;
    store_close(opened());
    (void)sql("UPDATE SyncHub_Meta SET value = '999' WHERE key = 'schema_version'");
    expect_refusal(db_path, STORE_READ_WRITE, SH_E_CONFIG, "newer Sync Hub");
    expect_refusal(db_path, STORE_READ_ONLY, SH_E_CONFIG, "newer Sync Hub");
}

static void a_database_without_a_version_is_refused(void **state)
{
    (void)state;
    static const char *const changes[] = {
        "UPDATE SyncHub_Meta SET value = '0' WHERE key = 'schema_version'",
        "UPDATE SyncHub_Meta SET value = 'one' WHERE key = 'schema_version'",
        "UPDATE SyncHub_Meta SET value = '-1' WHERE key = 'schema_version'",
        "DELETE FROM SyncHub_Meta WHERE key = 'schema_version'",
    };
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        (void)unlink(db_path);
        store_close(opened());
        (void)sql(changes[i]);
        expect_refusal(db_path, STORE_READ_WRITE, SH_E_CONFIG, "no valid schema_version");
        expect_refusal(db_path, STORE_READ_ONLY, SH_E_CONFIG, "no valid schema_version");
    }
}

static void a_damaged_database_is_told_with_what_to_mend(void **state)
{
    (void)state;
    store_close(opened());
    /* The root of the index of the MACs, which every look-up reads. */
    long page = strtol(sql("SELECT rootpage FROM sqlite_master"
                           " WHERE type = 'index' AND tbl_name = 'Devices'"),
                       NULL, 10);
    assert_true(page > 1);
    FILE *file = fopen(db_path, "r+");
    assert_non_null(file);
    assert_int_equal(fseek(file, (page - 1) * 4096, SEEK_SET), 0);
    for (int i = 0; i < 4096; i++)
        (void)fputc('x', file);
    assert_int_equal(fclose(file), 0);
    store *s = opened();
    sh_mac mac;
    assert_int_equal(sh_mac_read(SH_SLICE("a"), &mac, NULL), SH_OK);
    const sh_mac *asked[] = {&mac};
    bool known = false;
    sh_error error = {.code = SH_OK};
    assert_int_equal(store_find_known(s, asked, 1, &known, &error), SH_E_IO);
    store_close(s);
    assert_non_null(strstr(error.message, "damaged"));
    assert_non_null(strstr(error.message, "backup"));
}

/* A file size limit simulates a full disk: writes fail in the same way. */
static void a_disk_that_takes_no_more_fails_the_transaction_and_loses_nothing(void **state)
{
    (void)state;
    store *s = opened();
    assert_int_equal(insert(s, "{\"devMac\":\"kept\"}", "N"), STORE_INSERTED);
    struct stat st;
    char wal[sizeof db_path + 8];
    (void)snprintf(wal, sizeof wal, "%s-wal", db_path);
    assert_int_equal(stat(wal, &st), 0);
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    struct rlimit full = {.rlim_cur = (rlim_t)st.st_size, .rlim_max = before.rlim_max};
    (void)signal(SIGXFSZ, SIG_IGN);
    uint8_t id[SH_ID_BYTES] = {1};
    bool seen = false;
    sh_error error = {.code = SH_OK};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &full), 0);
    assert_int_equal(store_begin(s, NULL), SH_OK);
    sh_err noted = note_item(s, id, 1, &seen, &error);
    sh_err committed = noted == SH_OK ? store_commit(s, &error) : noted;
    store_rollback(s);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    (void)signal(SIGXFSZ, SIG_DFL);
    assert_int_equal(committed, SH_E_IO);
    assert_non_null(strstr(error.message, "disk"));
    assert_non_null(strstr(error.message, db_path));
    assert_int_equal(insert(s, "{\"devMac\":\"later\"}", "N"), STORE_INSERTED);
    store_close(s);
    assert_string_equal(sql("SELECT devMac FROM Devices"), "kept;later;");
    assert_string_equal(sql("SELECT count(*) FROM SyncHub_Items"), "0;");
}

static void odd_names_are_files_and_links_are_followed(void **state)
{
    (void)state;
    char old[512];
    assert_non_null(getcwd(old, sizeof old));
    assert_int_equal(chdir(folder), 0);
    store *s = NULL;
    assert_int_equal(store_open(":memory:", STORE_READ_WRITE, &s, NULL), SH_OK);
    store_close(s);
    assert_int_equal(unlink(":memory:"), 0);
    assert_int_equal(store_open("synchub.db", STORE_READ_WRITE, &s, NULL), SH_OK);
    store_close(s);
    assert_int_equal(symlink("synchub.db", "link.db"), 0);
    assert_int_equal(store_open("link.db", STORE_READ_WRITE, &s, NULL), SH_OK);
    assert_int_equal(store_begin(s, NULL), SH_OK);
    assert_int_equal(access("synchub.db-wal", F_OK), 0);
    store_close(s);
    assert_int_equal(chdir(old), 0);
}

/*
 * Opens in a process of another user, if the tests run as root; returns the message through a pipe.
 */
static void open_as_nobody(store_access access, sh_err expected, const char *message)
{
    int channel[2];
    assert_int_equal(pipe(channel), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        store *s = NULL;
        sh_error error = {.code = SH_OK};
        if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
            _exit(2);
        sh_err err = store_open(db_path, access, &s, &error);
        store_close(s);
        ssize_t sent = write(channel[1], &error, sizeof error);
        _exit(err == expected && sent == sizeof error ? 0 : 1);
    }
    (void)close(channel[1]);
    sh_error error = {.code = SH_OK};
    assert_int_equal(read(channel[0], &error, sizeof error), sizeof error);
    (void)close(channel[0]);
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    if (status != 0 || strstr(error.message, message) == NULL)
        fail_msg("%d '%s' does not say '%s'", (int)error.code, error.message, message);
}

static void a_folder_that_cannot_be_written_is_named(void **state)
{
    (void)state;
    assert_int_equal(chmod(folder, 0555), 0);
    open_as_nobody(STORE_READ_WRITE, SH_E_IO, "cannot be written by uid");
    open_as_nobody(STORE_READ_WRITE, SH_E_IO, folder);
    assert_int_equal(chmod(folder, 0700), 0);
}

static void a_file_that_cannot_be_written_or_read_is_named(void **state)
{
    (void)state;
    store_close(opened());
    assert_int_equal(chmod(folder, 0777), 0);
    assert_int_equal(chmod(db_path, 0444), 0);
    open_as_nobody(STORE_READ_WRITE, SH_E_IO, "cannot be written by uid");
    open_as_nobody(STORE_READ_WRITE, SH_E_IO, db_path);
    assert_int_equal(chmod(db_path, 0), 0);
    open_as_nobody(STORE_READ_ONLY, SH_E_IO, "cannot be read by uid");
}

static void looking_from_a_folder_that_cannot_be_written_says_why(void **state)
{
    (void)state;
    store_close(opened());
    assert_int_equal(chmod(db_path, 0444), 0);
    assert_int_equal(chmod(folder, 0555), 0);
    /* No receiver runs, so the journal's files are missing and cannot be created. */
    open_as_nobody(STORE_READ_ONLY, SH_E_IO, "FILE-shm");
    assert_int_equal(chmod(folder, 0777), 0);
    open_as_nobody(STORE_READ_ONLY, SH_OK, "");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, folder_make, folder_remove)
    const struct CMUnitTest tests[] = {
        TEST(network_file_systems_are_told_from_local_ones),
        TEST(a_missing_folder_is_named),
        TEST(what_cannot_be_a_database_file_is_refused),
        TEST(a_database_that_must_exist_and_does_not_is_told),
        TEST(a_file_that_is_no_database_is_refused_and_kept),
        TEST(a_database_of_a_newer_version_is_refused),
        TEST(a_database_without_a_version_is_refused),
        TEST(a_damaged_database_is_told_with_what_to_mend),
        TEST(a_disk_that_takes_no_more_fails_the_transaction_and_loses_nothing),
        TEST(odd_names_are_files_and_links_are_followed),
        TEST(a_folder_that_cannot_be_written_is_named),
        TEST(a_file_that_cannot_be_written_or_read_is_named),
        TEST(looking_from_a_folder_that_cannot_be_written_says_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
