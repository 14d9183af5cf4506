/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/limits.h"
#include "libcommon/crypto/crypto.h"
#include "libcommon/netalertx/netalertx_cipher.h"
#include "receiver/ingest/netalertx_payload.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#define PASSPHRASE SH_SLICE("a passphrase")
#define LINE "a|b|c|d|e|f|g|h|i\n"

static bool last_ignored; /* of the last is_valid() */

static bool is_valid(sh_kind kind, sh_slice text)
{
    sh_buf wire = SH_BUF_INIT(SH_NETALERTX_BODY_MAX), opened = SH_BUF_INIT(SH_PLAIN_MAX);
    assert_int_equal(sh_netalertx_encrypt(PASSPHRASE, text, NULL, &wire, NULL), SH_OK);
    netalertx_payload payload = {.data = {wire.data, wire.len}, .kind = kind, .text = &opened};
    assert_int_equal(netalertx_payload_open(PASSPHRASE, &payload, NULL), SH_OK);
    if (payload.valid)
        assert_true(opened.len == text.len &&
                    (text.len == 0 || memcmp(opened.data, text.data, text.len) == 0));
    sh_buf_reset(&wire);
    sh_buf_reset(&opened);
    last_ignored = payload.ignored;
    assert_false(payload.valid && payload.ignored);
    return payload.valid;
}

static void tables_and_results_open(void **state)
{
    (void)state;
    assert_true(is_valid(SH_KIND_DEVICES, SH_SLICE("{\"data\": []}")));
    assert_true(is_valid(SH_KIND_DEVICES, SH_SLICE("{\"data\":\t[{\"devName\":\"K\xc3\xbc"
                                                   "che\"}\r\n]}")));
    assert_true(is_valid(SH_KIND_PLUGIN, SH_SLICE(LINE)));
    assert_true(is_valid(SH_KIND_PLUGIN, SH_SLICE("")));
    assert_true(is_valid(SH_KIND_PLUGIN, SH_SLICE("\x1b" LINE LINE)));
}

static void anything_else_is_invalid(void **state)
{
    (void)state;
    assert_false(is_valid(SH_KIND_DEVICES, SH_SLICE("")));
    assert_false(is_valid(SH_KIND_DEVICES, SH_SLICE("{\"data\": [")));
    assert_false(is_valid(SH_KIND_DEVICES, SH_SLICE("{\"data\": {}}")));
    assert_false(is_valid(SH_KIND_DEVICES, SH_SLICE(LINE)));
    /* Text inside a row, which only the merge checks. */
    assert_false(is_valid(SH_KIND_DEVICES, SH_SLICE("{\"data\": [{\"a\":\"\xff\"}]}")));
    assert_false(is_valid(SH_KIND_DEVICES, SH_SLICE("{\"data\": [{\"a\":\"\x01\"}]}")));
    assert_false(is_valid(SH_KIND_DEVICES, SH_SLICE("{\"data\": [{\"a\":\"\0\"}]}")));
    assert_false(is_valid(SH_KIND_PLUGIN, SH_SLICE("no columns")));
    assert_false(is_valid(SH_KIND_PLUGIN, SH_SLICE(LINE "\xff")));
    assert_false(is_valid(SH_KIND_PLUGIN, SH_SLICE(LINE "\0")));
}

static void a_result_in_place_of_a_table_is_ignored(void **state)
{
    (void)state;
    static const struct {
        sh_kind kind;
        const char *text;
        bool ignored;
    } cases[] = {
        {SH_KIND_DEVICES, LINE, true},
        {SH_KIND_DEVICES, LINE "malformed\n" LINE, true},
        {SH_KIND_DEVICES, "", true},
        {SH_KIND_DEVICES, "{\"data\": [", false},
        {SH_KIND_DEVICES, "\x1b" LINE, false},
        {SH_KIND_DEVICES, LINE "\xff", false},
        {SH_KIND_DEVICES, "{\"data\": []}", false},
        {SH_KIND_PLUGIN, LINE, false},
        {SH_KIND_PLUGIN, "no columns", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        (void)is_valid(cases[i].kind, sh_slice_of(cases[i].text));
        if (last_ignored != cases[i].ignored)
            fail_msg("%s", cases[i].text);
    }
}

/* --- What a peer could measure ---------------------------------------------------------------- */

#define LARGE (2 * SH_MIB)

enum { PADDING, GARBAGE, SHAPE_EARLY, SHAPE_LATE, KINDS };

/* A table of LARGE bytes, of rows as a scanner has them. */
static void fill_with_rows(char *text)
{
    static const char row[] = "{\"devMac\": \"02:00:00:00:00:01\", \"devName\": \"printer\", "
                              "\"devLastIP\": \"192.168.1.20\", \"devAlertDown\": 0},";
    size_t at = (size_t)snprintf(text, LARGE, "{\"data\": [");
    while (at + 2 * sizeof row < LARGE) {
        memcpy(text + at, row, sizeof row - 1);
        at += sizeof row - 1;
    }
    memcpy(text + at, row, sizeof row - 2); /* without the comma */
    at += sizeof row - 2;
    memset(text + at, ' ', LARGE - at);
    memcpy(text + LARGE - 2, "]}", 2);
}

/* A payload that fails in its own way, all of about the same length. */
static void make(int kind, sh_buf *wire)
{
    char *text = malloc(LARGE);
    assert_non_null(text);
    fill_with_rows(text);
    if (kind == GARBAGE)
        sh_random(text, LARGE);
    if (kind == SHAPE_EARLY)
        text[0] = '[';
    if (kind == SHAPE_LATE)
        text[LARGE - 1] = 'x';
    assert_int_equal(sh_netalertx_encrypt(PASSPHRASE, (sh_slice){text, LARGE}, NULL, wire, NULL),
                     SH_OK);
    free(text);
    if (kind != PADDING)
        return;
    sh_buf bytes = SH_BUF_INIT(SH_NETALERTX_BODY_MAX);
    assert_int_equal(sh_base64_decode((sh_slice){wire->data + 24, wire->len - 24}, &bytes, NULL),
                     SH_OK);
    bytes.data[bytes.len - 17] ^= 0x40; /* alters the last byte of the padding */
    wire->len = 24;
    assert_int_equal(sh_base64_encode((sh_slice){bytes.data, bytes.len}, wire), SH_OK);
    sh_buf_reset(&bytes);
}

static size_t scanned; /* bytes, by the checks that take a time of their own */

sh_err __wrap_sh_table_check_constant_time(const char *text, size_t len, sh_error *error);
sh_err __real_sh_table_check_constant_time(const char *text, size_t len, sh_error *error);
void __wrap_sh_table_check_dummy(const char *text, size_t len);
void __real_sh_table_check_dummy(const char *text, size_t len);

sh_err __wrap_sh_table_check_constant_time(const char *text, size_t len, sh_error *error)
{
    scanned += len;
    return __real_sh_table_check_constant_time(text, len, error);
}

void __wrap_sh_table_check_dummy(const char *text, size_t len)
{
    scanned += len;
    __real_sh_table_check_dummy(text, len);
}

/* Times differ between machines and runs, so the work is counted. */
static void every_invalid_payload_is_searched_once_to_its_end(void **state)
{
    (void)state;
    sh_buf text = SH_BUF_INIT(SH_PLAIN_MAX);
    for (int kind = 0; kind < KINDS; kind++) {
        sh_buf wire = SH_BUF_INIT(SH_NETALERTX_BODY_MAX);
        make(kind, &wire);
        netalertx_payload payload = {
            .data = {wire.data, wire.len}, .kind = SH_KIND_DEVICES, .text = &text, .valid = true};
        scanned = 0;
        assert_int_equal(netalertx_payload_open(PASSPHRASE, &payload, NULL), SH_OK);
        assert_false(payload.valid);
        assert_in_range(scanned, LARGE, LARGE + 16);
        sh_buf_reset(&wire);
    }
    sh_buf_reset(&text);
}

static sigjmp_buf last_page_was_read;

static void note_read(int signal_number)
{
    (void)signal_number;
    siglongjmp(last_page_was_read, 1);
}

/* A search that ended at the first error would not come to the last page, which cannot be read. */
static void a_table_is_read_to_its_end_whatever_is_wrong_with_it(void **state)
{
    (void)state;
    static const char *const begins[] = {"[", "{\"data\": 5}", "{\"data\": [5, ", "x", ""};
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t len = 2 * page;
    char *text = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(text, MAP_FAILED);
    struct sigaction action = {.sa_handler = note_read}, before;
    assert_int_equal(sigaction(SIGSEGV, &action, &before), 0);
    for (size_t i = 0; i < sizeof begins / sizeof begins[0]; i++) {
        memset(text, ' ', page);
        memcpy(text, begins[i], strlen(begins[i]));
        assert_int_equal(mprotect(text + page, page, PROT_NONE), 0);
        if (sigsetjmp(last_page_was_read, 1) == 0) {
            (void)__real_sh_table_check_constant_time(text, len, NULL);
            fail_msg("'%s' ended the search", begins[i]);
        }
        assert_int_equal(mprotect(text + page, page, PROT_READ | PROT_WRITE), 0);
    }
    assert_int_equal(sigaction(SIGSEGV, &before, NULL), 0);
    assert_int_equal(munmap(text, len), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_and_results_open),
        cmocka_unit_test(anything_else_is_invalid),
        cmocka_unit_test(a_result_in_place_of_a_table_is_ignored),
        cmocka_unit_test(every_invalid_payload_is_searched_once_to_its_end),
        cmocka_unit_test(a_table_is_read_to_its_end_whatever_is_wrong_with_it),
    };
    sh_error error;
    if (sh_crypto_init(&error) != SH_OK)
        return 1;
    return cmocka_run_group_tests_name("receiver_netalertx_payload", tests, NULL, NULL);
}
