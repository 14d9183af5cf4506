/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/merge/last_result_files.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/clock.h"
#include "libcommon/base/limits.h"
#include "libcommon/os/file.h"
#include "tests/unit/temp.h"
#include "tests/unit/unit.h"
#include "tests/unit/with_queue.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* The files in NetAlertX's plugin log folder, and their number and size limits. */

#define LINE "a|b|2026-08-22 02:53:00|1|2|3|4|x|f\n"
#define NETALERTX_OWN "last_result.ARPSCAN.log"
#define TAKEN "processed_last_result.SYNC.decoded.N.1.log"

static char root[256];
static char *out; /* NetAlertX's folder */
static last_result_files *h;
static skip_rules *nothing;

static int folders_make(void **state)
{
    (void)empty(state);
    static const sh_list none = {.items = NULL, .count = 0};
    char db[300];
    (void)snprintf(root, sizeof root, "%s/synchub-last-result.XXXXXX", temp_base());
    if (mkdtemp(root) == NULL)
        return -1;
    out = sh_text_format("%s/plugins", root);
    (void)snprintf(db, sizeof db, "%s/app.db", root);
    sh_error error = {0};
    if (out == NULL || mkdir(out, 0755) != 0 ||
        skip_rules_new(&none, &none, &nothing, NULL) != SH_OK)
        return -1;
    return last_result_files_new(out, db, &h, &error) == SH_OK ? 0 : -1;
}

static void remove_all_files(const char *folder)
{
    DIR *dir = opendir(folder);
    const struct dirent *entry;
    while (dir != NULL && (entry = readdir(dir)) != NULL)
        (void)unlinkat(dirfd(dir), entry->d_name, 0);
    if (dir != NULL)
        (void)closedir(dir);
}

static void remove_all(const char *folder)
{
    remove_all_files(folder);
    (void)rmdir(folder);
}

static int folders_remove(void **state)
{
    (void)state;
    char copies[300];
    (void)snprintf(copies, sizeof copies, "%s/app.db.tables", root);
    last_result_files_free(h);
    skip_rules_free(nothing);
    remove_all(out);
    remove_all(copies);
    remove_all(root);
    free(out);
    return 0;
}

static void hand_over_table(const char *node, uint32_t part, uint32_t parts)
{
    sh_error error = {0};
    sh_envelope_header header = {.kind = SH_KIND_DEVICES, .part = part, .parts = parts};
    (void)snprintf(header.node, sizeof header.node, "%s", node);
    sh_err err = last_result_files_table(h, &header, SH_SLICE("{\"data\":[{\"devMac\":\"a\"}]}"),
                                         nothing, &error);
    if (err != SH_OK)
        fail_msg("%s", error.message);
}

static void hand_over_result(const char *node, const char *plugin, sh_slice text)
{
    sh_error error = {0};
    sh_envelope_header header = {.kind = SH_KIND_PLUGIN, .parts = 1};
    (void)snprintf(header.node, sizeof header.node, "%s", node);
    (void)snprintf(header.plugin, sizeof header.plugin, "%s", plugin);
    if (last_result_files_result(h, &header, text, &error) != SH_OK)
        fail_msg("%s", error.message);
}

static void write_other(const char *name)
{
    char path[600];
    (void)snprintf(path, sizeof path, "%s/%s", out, name);
    assert_int_equal(sh_file_write(path, SH_SLICE("x"), 0644, NULL), SH_OK);
}

static bool is_there(const char *name)
{
    char path[600];
    (void)snprintf(path, sizeof path, "%s/%s", out, name);
    return access(path, F_OK) == 0;
}

/* Sets the age of every file in the folder. */
static void make_old_in(const char *folder, int64_t age_s)
{
    struct timespec now;
    assert_int_equal(clock_gettime(CLOCK_REALTIME, &now), 0);
    now.tv_sec -= (time_t)age_s;
    const struct timespec times[2] = {now, now};
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    const struct dirent *entry;
    while ((entry = readdir(dir)) != NULL)
        (void)utimensat(dirfd(dir), entry->d_name, times, 0);
    (void)closedir(dir);
}

static void make_old(int64_t age_s)
{
    make_old_in(out, age_s);
}

static size_t count_files_in(const char *folder)
{
    size_t count = 0;
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    const struct dirent *entry;
    while ((entry = readdir(dir)) != NULL)
        count += entry->d_name[0] != '.';
    (void)closedir(dir);
    return count;
}

static size_t count_files(void)
{
    return count_files_in(out);
}

static void tables_are_removed_after_an_hour_and_results_after_a_day(void **state)
{
    (void)state;
    hand_over_table("N", 0, 1);
    hand_over_result("N", "NMAP", SH_SLICE(LINE));
    write_other(NETALERTX_OWN);
    write_other(TAKEN);
    make_old(SH_HANDOVER_TABLE_S - 60);
    last_result_files_delete_old(h);
    assert_int_equal(count_files(), 4);
    make_old(SH_HANDOVER_TABLE_S + 60);
    last_result_files_delete_old(h);
    assert_false(is_there("last_result.SYNC.decoded.N.1.log"));
    assert_true(is_there("last_result.NMAP.decoded.N.1.log"));
    make_old(SH_HANDOVER_RESULT_S - 60);
    last_result_files_delete_old(h);
    assert_true(is_there("last_result.NMAP.decoded.N.1.log"));
    make_old(SH_HANDOVER_RESULT_S + 60);
    last_result_files_delete_old(h);
    assert_false(is_there("last_result.NMAP.decoded.N.1.log"));
    assert_true(is_there(NETALERTX_OWN)); /* NetAlertX's own files stay */
    assert_true(is_there(TAKEN));
}

static void copies_of_nodes_that_send_no_table_any_more_are_removed(void **state)
{
    (void)state;
    char copies[300], other[600];
    (void)snprintf(copies, sizeof copies, "%s/app.db.tables", root);
    (void)snprintf(other, sizeof other, "%s/of-somebody.json", copies);
    for (int i = 0; i < 100; i++) {
        char node[24];
        (void)snprintf(node, sizeof node, "gone-%d", i);
        hand_over_table(node, 0, 2);
        hand_over_table(node, 1, 2);
    }
    assert_int_equal(sh_file_write(other, SH_SLICE("x"), 0600, NULL), SH_OK);
    make_old_in(copies, SH_HANDOVER_COPY_S - 60);
    last_result_files_delete_old(h);
    assert_int_equal(count_files_in(copies), 201);
    make_old_in(copies, SH_HANDOVER_COPY_S + 60);
    hand_over_table("gone-7", 0, 1); /* it is back */
    last_result_files_delete_old(h);
    assert_int_equal(count_files_in(copies), 2);
    assert_true(last_result_files_has_copy(h, "gone-7"));
    assert_false(last_result_files_has_copy(h, "gone-8"));
    assert_int_equal(access(other, F_OK), 0);
}

static void what_a_killed_receiver_left_half_written_is_removed(void **state)
{
    (void)state;
    char path[600];
    (void)snprintf(path, sizeof path, "%s/%s", out, ".synchub-aaaaaa.tmp");
    assert_int_equal(sh_file_write(path, SH_SLICE("{\"data\": ["), 0600, NULL), SH_OK);
    last_result_files_delete_old(h);
    assert_int_equal(access(path, F_OK), 0); /* it may still be written */
    make_old(SH_HANDOVER_TABLE_S + 60);
    last_result_files_delete_old(h);
    assert_int_not_equal(access(path, F_OK), 0);
}

static void the_number_of_files_depends_on_nodes_and_plugins_not_on_pushes(void **state)
{
    (void)state;
    for (int i = 0; i < 3 * SH_HANDOVER_RESULTS_MAX; i++) {
        hand_over_table("N", 0, 2);
        hand_over_table("N", 1, 2);
        hand_over_result("N", "NMAP", SH_SLICE(LINE));
    }
    assert_int_equal(count_files(), 2 + SH_HANDOVER_RESULTS_MAX);
    hand_over_table("N", 0, 1); /* a table that became smaller */
    assert_int_equal(count_files(), 1 + SH_HANDOVER_RESULTS_MAX);
}

static void the_oldest_result_makes_room_for_the_newest(void **state)
{
    (void)state;
    for (int i = 0; i < SH_HANDOVER_RESULTS_MAX; i++)
        hand_over_result("N", "NMAP", SH_SLICE("old|||||||||\n"));
    make_old(3600);
    char path[600];
    (void)snprintf(path, sizeof path, "%s/last_result.NMAP.decoded.N.7.log", out);
    const struct timespec oldest[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
    assert_int_equal(utimensat(AT_FDCWD, path, oldest, 0), 0);
    hand_over_result("N", "NMAP", SH_SLICE(LINE));
    SH_CLEANUP(sh_buf_reset) sh_buf text = SH_BUF_INIT(1000);
    assert_int_equal(sh_file_read(path, &text, NULL, NULL), SH_OK);
    assert_int_equal(text.len, strlen(LINE));
    assert_memory_equal(text.data, LINE, text.len);
    assert_int_equal(count_files(), SH_HANDOVER_RESULTS_MAX);
}

static void anybody_may_read_what_is_handed_over_and_nobody_the_copies(void **state)
{
    (void)state;
    struct stat st;
    char path[600];
    hand_over_table("N", 0, 1);
    (void)snprintf(path, sizeof path, "%s/last_result.SYNC.decoded.N.1.log", out);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0644);
    (void)snprintf(path, sizeof path, "%s/app.db.tables", root);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
}

#define MANY 25000

/* All of these nodes were in contact at that time. */
static void put_contacts(int count, int64_t ms)
{
    char value[48];
    (void)snprintf(value, sizeof value, "%" PRId64 " push", ms);
    for (int i = 0; i < count; i++)
        assert_int_equal(redisAppendCommand(server.client, "HSET t:contacts node-%d %s", i, value),
                         REDIS_OK);
    for (int i = 0; i < count; i++) {
        void *reply = NULL;
        assert_int_equal(redisGetReply(server.client, &reply), REDIS_OK);
        freeReplyObject(reply);
    }
}

static int64_t count_pieces(void)
{
    redisReply *reply = redisCommand(server.client, "INFO commandstats");
    const char *hscan = strstr(reply->str, "cmdstat_hscan:calls=");
    int64_t calls = hscan == NULL ? 0 : strtoll(hscan + strlen("cmdstat_hscan:calls="), NULL, 10);
    freeReplyObject(reply);
    (void)redis_ask(&server, "CONFIG RESETSTAT");
    return calls;
}

static void tables_of_many_nodes_are_handed_over_again_in_a_few_calls(void **state)
{
    (void)state;
    sh_queue *queue = open_queue();
    sh_error error = {0};
    for (int i = 0; i < 50; i++) {
        char node[24];
        (void)snprintf(node, sizeof node, "node-%d", i * (MANY / 50));
        hand_over_table(node, 0, 1);
    }
    remove_all_files(out);
    put_contacts(MANY, sh_clock_unix_ms() + 1000);
    (void)count_pieces();
    for (int calls = 0; calls < 6; calls++) {
        assert_int_equal(last_result_files_contacts(h, queue, &error), SH_OK);
        assert_in_range(count_pieces(), 1, 10);
    }
    assert_int_equal(count_files(), 50);
    remove_all_files(out);
    for (int calls = 0; calls < 6; calls++)
        assert_int_equal(last_result_files_contacts(h, queue, &error), SH_OK);
    assert_int_equal(count_files(), 0); /* no node was in contact since */
    sh_queue_free(queue);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, folders_make, folders_remove)
    const struct CMUnitTest tests[] = {
        TEST(tables_are_removed_after_an_hour_and_results_after_a_day),
        TEST(copies_of_nodes_that_send_no_table_any_more_are_removed),
        TEST(what_a_killed_receiver_left_half_written_is_removed),
        TEST(the_number_of_files_depends_on_nodes_and_plugins_not_on_pushes),
        TEST(the_oldest_result_makes_room_for_the_newest),
        TEST(anybody_may_read_what_is_handed_over_and_nobody_the_copies),
        TEST(tables_of_many_nodes_are_handed_over_again_in_a_few_calls),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
