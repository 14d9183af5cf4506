/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/cleanup.h"
#include "libcommon/os/file.h"
#include "pusher/spool.h"
#include "pusher/spool_file.h"
#include "pusher/spool_list.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/pusher_folder.h"

#define NOW_MS INT64_C(1790000000000)

static unsigned notices;
static char last_notice[SH_ERROR_MESSAGE_BYTES];

static void note(const char *sentence)
{
    notices++;
    (void)snprintf(last_notice, sizeof last_notice, "%s", sentence);
}

static spool *open_spool(void)
{
    spool *s = NULL;
    sh_error error = {0};
    notices = 0;
    assert_int_equal(spool_open(folder, note, &s, &error), SH_OK);
    return s;
}

static void add(spool *s, const char *plugin, const char *text, int64_t now_ms)
{
    assert_int_equal(spool_add(s, plugin, sh_slice_of(text), now_ms, NULL), SH_OK);
}

/* The oldest item must hold this text; it stays. */
static spool_item expect_first(spool *s, const char *plugin, const char *text)
{
    spool_item item;
    sh_error error = {0};
    SH_CLEANUP(sh_buf_reset) sh_buf buf = SH_BUF_INIT(1000);
    assert_int_equal(spool_get(s, 0, &item, &buf, &error), SH_OK);
    assert_string_equal(item.plugin, plugin);
    assert_string_equal(buf.data, text);
    return item;
}

static void expect_empty(spool *s)
{
    spool_item item;
    SH_CLEANUP(sh_buf_reset) sh_buf buf = SH_BUF_INIT(1000);
    assert_int_equal(spool_get(s, 0, &item, &buf, NULL), SH_E_NOT_FOUND);
    assert_int_equal(buf.len, 0);
    assert_int_equal(spool_count(s), 0);
    assert_int_equal(spool_bytes(s), 0);
}

static unsigned count_files(const char *name)
{
    unsigned count = 0;
    DIR *dir = opendir(in_folder(name));
    assert_non_null(dir);
    for (struct dirent *e = readdir(dir); e != NULL; e = readdir(dir))
        count += e->d_name[0] != '.';
    (void)closedir(dir);
    return count;
}

static void items_come_back_oldest_first_also_after_a_restart(void **state)
{
    (void)state;
    spool *s = open_spool();
    add(s, "A", "first", NOW_MS);
    add(s, "B", "second", NOW_MS);
    add(s, "A", "third", NOW_MS + 1);
    spool_item before = expect_first(s, "A", "first");
    spool_close(s);

    s = open_spool();
    assert_int_equal(spool_count(s), 3);
    spool_item item = expect_first(s, "A", "first");
    assert_memory_equal(item.id, before.id, SH_ID_BYTES);
    assert_int_equal(item.time_ms, NOW_MS);
    assert_int_equal(spool_remove(s, &item, NULL), SH_OK);
    item = expect_first(s, "B", "second");
    assert_memory_not_equal(item.id, before.id, SH_ID_BYTES);
    assert_int_equal(spool_remove(s, &item, NULL), SH_OK);
    item = expect_first(s, "A", "third");
    assert_int_equal(spool_remove(s, &item, NULL), SH_OK);
    expect_empty(s);
    assert_int_equal(notices, 0);
    spool_close(s);
}

static sh_err collect(void *context, const spool_item *item, sh_slice text, sh_error *error)
{
    sh_buf *seen = context;
    (void)error;
    return sh_buf_append_format(seen, "%s=%.*s ", item->plugin, (int)text.len, text.data);
}

static void each_item_is_shown_oldest_first_but_those_that_are_damaged(void **state)
{
    (void)state;
    spool *s = open_spool();
    add(s, "A", "first", NOW_MS);
    add(s, "B", "second", NOW_MS + 1);
    add(s, "A", "third", NOW_MS + 2);
    spool_item damaged = expect_first(s, "A", "first");
    char path[256];
    (void)snprintf(path, sizeof path, "spool/%s", damaged.name);
    assert_int_equal(sh_file_write(in_folder(path), SH_SLICE("torn"), 0600, NULL), SH_OK);
    SH_CLEANUP(sh_buf_reset) sh_buf seen = SH_BUF_INIT(1000);
    assert_int_equal(spool_each(s, collect, &seen, NULL), SH_OK);
    assert_string_equal(seen.data, "B=second A=third ");
    assert_int_equal(spool_count(s), 3);
    spool_close(s);
}

static void over_its_entries_the_newest_is_refused(void **state)
{
    (void)state;
    spool *s = open_spool();
    for (int i = 0; i < SH_SPOOL_ENTRIES_MAX; i++)
        add(s, "A", "x", NOW_MS + i);
    sh_error error = {0};
    assert_int_equal(spool_add(s, "A", SH_SLICE("x"), NOW_MS, &error), SH_E_LIMIT);
    assert_int_equal(spool_count(s), SH_SPOOL_ENTRIES_MAX);
    spool_item item = expect_first(s, "A", "x");
    assert_int_equal(spool_remove(s, &item, NULL), SH_OK);
    add(s, "A", "x", NOW_MS);
    spool_close(s);
}

static void over_its_bytes_the_newest_is_refused(void **state)
{
    (void)state;
    size_t len = SH_SPOOL_BYTES_MAX - (size_t)SPOOL_FILE_HEADER_BYTES * 2 - 1;
    SH_CLEANUP(sh_free_cleanup) char *text = malloc(len + 1);
    assert_non_null(text);
    memset(text, 'x', len + 1);
    spool *s = open_spool();
    add(s, "A", "x", NOW_MS);
    assert_int_equal(spool_add(s, "B", (sh_slice){text, len + 1}, NOW_MS, NULL), SH_E_LIMIT);
    assert_int_equal(spool_count(s), 1);
    assert_int_equal(spool_add(s, "B", (sh_slice){text, len}, NOW_MS, NULL), SH_OK);
    assert_int_equal(spool_bytes(s), SH_SPOOL_BYTES_MAX);
    sh_error error = {0};
    assert_int_equal(spool_add(s, "C", SH_SLICE(""), NOW_MS, &error), SH_E_LIMIT);
    assert_non_null(strstr(error.message, "full"));
    spool_close(s);
}

static void an_age_that_a_clock_makes_up_drops_nothing(void **state)
{
    (void)state;
    /* The clock began in 1970, was ahead by years, went back, and was right in the end. */
    const int64_t times_ms[] = {1000, NOW_MS + INT64_C(500000000000), 2000, 2000, NOW_MS};
    const char *const plugins[] = {"A", "B", "C", "D", "E"};
    for (int i = 0; i < 5; i++) {
        spool *s = open_spool(); /* each after a restart */
        add(s, plugins[i], "x", times_ms[i]);
        spool_close(s);
    }
    spool *s = open_spool();
    assert_int_equal(spool_count(s), 5);
    for (int i = 0; i < 5; i++) { /* in the order in which they came */
        spool_item item = expect_first(s, plugins[i], "x");
        assert_int_equal(item.time_ms, times_ms[i]);
        assert_int_equal(spool_remove(s, &item, NULL), SH_OK);
    }
    assert_int_equal(notices, 0);
    spool_close(s);
}

static void an_item_damaged_anywhere_is_set_aside(void **state)
{
    (void)state;
    spool *s = open_spool();
    add(s, "A", "text", NOW_MS);
    spool_item item = expect_first(s, "A", "text");
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/spool/%s", folder, item.name);
    SH_CLEANUP(sh_buf_reset) sh_buf whole = SH_BUF_INIT(1000);
    assert_int_equal(sh_file_read(path, &whole, NULL, NULL), SH_OK);
    assert_int_equal(whole.len, SPOOL_FILE_HEADER_BYTES + 4);
    SH_CLEANUP(sh_buf_reset) sh_buf text = SH_BUF_INIT(1000);
    for (size_t len = 0; len < whole.len; len++) { /* cut to every length */
        assert_int_equal(sh_file_write(path, (sh_slice){whole.data, len}, 0600, NULL), SH_OK);
        assert_int_equal(spool_file_read(path, &item, &text, NULL), SH_E_FORMAT);
    }
    for (size_t at = 0; at < whole.len; at++) { /* every byte changed */
        whole.data[at] ^= 1;
        assert_int_equal(sh_file_write(path, (sh_slice){whole.data, whole.len}, 0600, NULL), SH_OK);
        assert_int_equal(spool_file_read(path, &item, &text, NULL), SH_E_FORMAT);
        whole.data[at] ^= 1;
    }
    assert_int_equal(text.len, 0);
    assert_int_equal(sh_file_write(path, (sh_slice){whole.data, 50}, 0600, NULL), SH_OK);
    add(s, "B", "good", NOW_MS + 1);
    (void)expect_first(s, "B", "good");
    assert_int_equal(notices, 1);
    assert_non_null(strstr(last_notice, path));
    assert_int_equal(count_files("refused"), 2); /* with the reason */
    spool_close(s);
}

static void an_item_that_somebody_deleted_is_passed_over(void **state)
{
    (void)state;
    spool *s = open_spool();
    add(s, "A", "x", NOW_MS);
    add(s, "B", "y", NOW_MS + 1);
    spool_item item = expect_first(s, "A", "x");
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/spool/%s", folder, item.name);
    assert_int_equal(unlink(path), 0);
    (void)expect_first(s, "B", "y");
    assert_int_equal(notices, 0); /* by `spool drop`, most likely */
    spool_close(s);
}

static void refused_items_are_kept_up_to_a_number(void **state)
{
    (void)state;
    spool *s = open_spool();
    for (int i = 0; i <= SH_SPOOL_REFUSED_MAX; i++) {
        add(s, "A", "x", NOW_MS + i);
        spool_item item = expect_first(s, "A", "x");
        assert_int_equal(spool_refuse(s, &item, "for a test", NULL), SH_OK);
        assert_int_equal(notices, i == SH_SPOOL_REFUSED_MAX);
    }
    expect_empty(s);
    assert_int_equal(count_files("refused"), 2 * SH_SPOOL_REFUSED_MAX); /* each with its reason */
    assert_non_null(strstr(last_notice, "deleted"));
    spool_close(s);
}

static void refused_items_are_kept_up_to_so_many_bytes(void **state)
{
    (void)state;
    size_t len = SH_SPOOL_REFUSED_BYTES_MAX / 2;
    SH_CLEANUP(sh_free_cleanup) char *text = malloc(len);
    assert_non_null(text);
    memset(text, 'x', len);
    spool *s = open_spool();
    for (int i = 0; i < 3; i++) {
        spool_item item;
        SH_CLEANUP(sh_buf_reset) sh_buf buf = SH_BUF_INIT(SH_PLAIN_MAX);
        assert_int_equal(spool_add(s, "A", (sh_slice){text, len}, NOW_MS + i, NULL), SH_OK);
        assert_int_equal(spool_get(s, 0, &item, &buf, NULL), SH_OK);
        assert_int_equal(spool_refuse(s, &item, "for a test", NULL), SH_OK);
    }
    assert_int_equal(count_files("refused"), 2); /* two of them are a little too much */
    spool_close(s);
}

/* Gives the one entry of that state, or NULL. */
static const spool_entry *entry_of(const spool_entries *all, spool_state wanted)
{
    for (size_t i = 0; i < all->count; i++)
        if (all->entries[i].state == wanted)
            return &all->entries[i];
    return NULL;
}

static void list_all(spool_entries *ret)
{
    assert_int_equal(spool_list(folder, ret, NULL), SH_OK);
}

static void a_refused_item_is_listed_and_put_back_beside_the_holder(void **state)
{
    (void)state;
    sh_error error = {0};
    spool_entries all;
    spool *s = open_spool();
    add(s, "A", "refused", NOW_MS);
    spool_item item = expect_first(s, "A", "refused");
    assert_int_equal(spool_refuse(s, &item, "the hub says no", NULL), SH_OK);
    add(s, "B", "waits", NOW_MS + 1);
    list_all(&all);
    assert_int_equal(all.count, 2);
    const spool_entry *waits = entry_of(&all, SPOOL_WAITING);
    const spool_entry *refused = entry_of(&all, SPOOL_REFUSED);
    assert_string_equal(waits->item.plugin, "B");
    assert_string_equal(refused->item.plugin, "A");
    assert_string_equal(refused->reason, "the hub says no");
    assert_true(refused->refused_ms > 0);
    assert_ptr_equal(spool_entries_find(&all, refused->id), refused);
    assert_int_equal(spool_entry_retry(folder, &all, waits, &error), SH_E_CONFIG);
    sh_error_clear(&error);
    assert_int_equal(spool_entry_retry(folder, &all, refused, &error), SH_OK);
    assert_int_equal(spool_entry_retry(folder, &all, refused, &error), SH_E_NOT_FOUND);
    assert_int_equal(spool_count(s), 1);
    assert_int_equal(spool_rescan(s, NULL), SH_OK);
    assert_int_equal(spool_count(s), 2);
    spool_item again = expect_first(s, "A", "refused"); /* in its old place */
    assert_memory_equal(again.id, item.id, SH_ID_BYTES);
    assert_int_equal(count_files("refused"), 0);
    spool_entries_free(&all);
    list_all(&all); /* what waits can be dropped, too */
    assert_int_equal(spool_entry_drop(folder, entry_of(&all, SPOOL_WAITING), NULL), SH_OK);
    assert_int_equal(spool_rescan(s, NULL), SH_OK);
    assert_int_equal(spool_count(s), 1);
    (void)expect_first(s, "B", "waits");
    spool_entries_free(&all);
    spool_close(s);
}

static void a_damaged_item_is_listed_and_can_only_be_dropped(void **state)
{
    (void)state;
    sh_error error = {0};
    spool_entries all;
    spool *s = open_spool();
    add(s, "A", "text", NOW_MS);
    spool_item item = expect_first(s, "A", "text");
    char path[256];
    (void)snprintf(path, sizeof path, "spool/%s", item.name);
    assert_int_equal(sh_file_write(in_folder(path), SH_SLICE("torn"), 0600, NULL), SH_OK);
    expect_empty(s);
    list_all(&all);
    assert_int_equal(all.count, 1);
    const spool_entry *damaged = entry_of(&all, SPOOL_DAMAGED);
    assert_non_null(strstr(damaged->reason, "damaged"));
    assert_int_equal(spool_entry_retry(folder, &all, damaged, &error), SH_E_CONFIG);
    assert_int_equal(spool_entry_drop(folder, damaged, NULL), SH_OK);
    assert_int_equal(count_files("refused"), 0);
    spool_entries_free(&all);
    spool_close(s);
}

static void a_full_spool_takes_no_refused_item_back(void **state)
{
    (void)state;
    sh_error error = {0};
    spool_entries all;
    spool *s = open_spool();
    add(s, "A", "x", NOW_MS);
    spool_item item = expect_first(s, "A", "x");
    assert_int_equal(spool_refuse(s, &item, "no", NULL), SH_OK);
    size_t len = SH_SPOOL_BYTES_MAX - SPOOL_FILE_HEADER_BYTES;
    SH_CLEANUP(sh_free_cleanup) char *text = malloc(len);
    assert_non_null(text);
    memset(text, 'x', len);
    assert_int_equal(spool_add(s, "B", (sh_slice){text, len}, NOW_MS, NULL), SH_OK);
    list_all(&all);
    assert_int_equal(spool_entry_retry(folder, &all, entry_of(&all, SPOOL_REFUSED), &error),
                     SH_E_LIMIT);
    assert_int_equal(count_files("refused"), 2);
    spool_entries_free(&all);
    spool_close(s);
}

static void a_spool_belongs_to_one_process(void **state)
{
    (void)state;
    spool *s = open_spool();
    spool *other = NULL;
    sh_error error = {0};
    assert_int_equal(spool_open(folder, note, &other, &error), SH_E_BUSY);
    assert_null(other);
    assert_non_null(strstr(error.message, folder));
    spool_close(s);
    spool_close(open_spool());
}

static void what_is_not_ours_is_left_alone_and_leftovers_are_removed(void **state)
{
    (void)state;
    spool_close(open_spool());
    folder_put("spool/README", "mine");
    folder_put("spool/.item", "mine");
    folder_put("spool/.synchub-a1B2c3.tmp", "half a file");
    folder_put(".synchub-d4E5f6.tmp", "half a state");
    assert_int_equal(mkdir(in_folder("spool/x.item"), 0700), 0);
    spool *s = open_spool();
    expect_empty(s);
    assert_int_equal(access(in_folder("spool/README"), F_OK), 0);
    assert_int_equal(access(in_folder("spool/.item"), F_OK), 0);
    assert_int_equal(access(in_folder("spool/x.item"), F_OK), 0);
    assert_int_equal(access(in_folder("spool/.synchub-a1B2c3.tmp"), F_OK), -1);
    assert_int_equal(access(in_folder(".synchub-d4E5f6.tmp"), F_OK), -1);
    spool_close(s);
}

static void symbolic_links_of_others_are_not_followed(void **state)
{
    (void)state;
    static const char *const names[] = {"lock", "spool", "refused"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[PATH_MAX], victim[PATH_MAX];
        spool *s = NULL;
        sh_error error = {0};
        (void)snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        (void)snprintf(victim, sizeof victim, "%s/victim%zu", folder, i);
        if (i > 0)
            assert_int_equal(mkdir(victim, 0700), 0);
        (void)rmdir(path); /* the turn before may have made it */
        assert_int_equal(symlink(victim, path), 0);
        assert_int_equal(spool_open(folder, note, &s, &error), SH_E_IO);
        assert_non_null(strstr(error.message, path));
        assert_non_null(strstr(error.message, "symbolic link"));
        assert_int_equal(access(victim, F_OK), i > 0 ? 0 : -1); /* nothing was made there */
        assert_int_equal(unlink(path), 0);
    }
    spool_close(open_spool());
}

static void a_file_of_another_user_is_not_ours(void **state)
{
    (void)state;
    if (geteuid() != 0)
        return; /* only root can make one */
    char path[PATH_MAX];
    sh_error error = {0};
    sh_buf content = SH_BUF_INIT(100);
    (void)snprintf(path, sizeof path, "%s/state", folder);
    assert_int_equal(sh_file_write(path, SH_SLICE("x"), 0644, NULL), SH_OK);
    assert_int_equal(chown(path, 12345, 12345), 0);
    assert_int_equal(chmod(folder, 0755), 0);
    assert_int_equal(seteuid(54321), 0);
    sh_err err = sh_file_read_own(path, &content, &error);
    assert_int_equal(seteuid(0), 0);
    assert_int_equal(err, SH_E_IO);
    assert_non_null(strstr(error.message, "belongs to uid 12345"));
    assert_int_equal(sh_file_read_own(path, &content, &error), SH_OK);
    sh_buf_reset(&content);
}

static void a_folder_that_cannot_be_made_is_named(void **state)
{
    (void)state;
    folder_put("file", "x");
    spool *s = NULL;
    sh_error error = {0};
    assert_int_equal(spool_open(in_folder("file"), note, &s, &error), SH_E_IO);
    assert_non_null(strstr(error.message, in_folder("file")));
    sh_error_clear(&error);
    assert_int_equal(spool_open(in_folder("no/such"), note, &s, &error), SH_E_IO);
    assert_non_null(strstr(error.message, in_folder("no/such")));
    assert_int_equal(spool_open(in_folder("new"), note, &s, NULL), SH_OK);
    spool_close(s);
}

static int start(void **state)
{
    (void)state;
    return sh_crypto_init(NULL) != SH_OK;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FOLDER_TEST(items_come_back_oldest_first_also_after_a_restart),
        FOLDER_TEST(each_item_is_shown_oldest_first_but_those_that_are_damaged),
        FOLDER_TEST(over_its_entries_the_newest_is_refused),
        FOLDER_TEST(over_its_bytes_the_newest_is_refused),
        FOLDER_TEST(an_age_that_a_clock_makes_up_drops_nothing),
        FOLDER_TEST(an_item_damaged_anywhere_is_set_aside),
        FOLDER_TEST(an_item_that_somebody_deleted_is_passed_over),
        FOLDER_TEST(refused_items_are_kept_up_to_a_number),
        FOLDER_TEST(refused_items_are_kept_up_to_so_many_bytes),
        FOLDER_TEST(a_refused_item_is_listed_and_put_back_beside_the_holder),
        FOLDER_TEST(a_damaged_item_is_listed_and_can_only_be_dropped),
        FOLDER_TEST(a_full_spool_takes_no_refused_item_back),
        FOLDER_TEST(a_spool_belongs_to_one_process),
        FOLDER_TEST(what_is_not_ours_is_left_alone_and_leftovers_are_removed),
        FOLDER_TEST(symbolic_links_of_others_are_not_followed),
        FOLDER_TEST(a_file_of_another_user_is_not_ours),
        FOLDER_TEST(a_folder_that_cannot_be_made_is_named),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
