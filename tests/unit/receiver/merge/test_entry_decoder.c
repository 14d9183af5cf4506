/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/merge/entry_decoder.h"

#include "libcommon/base/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SMALL 100
#define LARGE (300 * 1024)      /* worth a thread */
#define HUGE_TEXT (17 * SH_MIB) /* not opened ahead */

typedef struct {
    size_t text_len;
    sh_buf envelope;
    queue_entry entry;
} sealed;

/* The entries behind one of count, as a transaction gives them. */
static entries_ahead behind(const sealed all[], size_t count, size_t i)
{
    entries_ahead next = {{NULL}};
    for (size_t at = 0; at < ENTRIES_AHEAD_MAX && i + 1 + at < count; at++)
        next.all[at] = &all[i + 1 + at].entry;
    return next;
}

static const hub_secrets keys = {.passphrase_key = {1, 2, 3}};

/* A plugin result needs one valid line. */
#define HEAD "id||||||||\n"
#define HEAD_LEN (sizeof HEAD - 1)

/* A text of its own for each. */
static char byte_of(size_t index)
{
    return (char)('a' + index);
}

static void seal(sealed *s, size_t index, size_t text_len)
{
    char *text = malloc(text_len);
    assert_non_null(text);
    memset(text, byte_of(index), text_len);
    memcpy(text, HEAD, HEAD_LEN);
    sh_envelope_header header = {.kind = SH_KIND_PLUGIN, .parts = 1, .node = "N", .plugin = "P"};
    header.id[0] = (uint8_t)index;
    sh_node_key key;
    sh_node_key_derive(keys.passphrase_key, SH_SLICE("N"), &key);
    s->text_len = text_len;
    s->envelope = SH_BUF_INIT(SH_ENVELOPE_MAX);
    sh_error error = {0};
    assert_int_equal(
        sh_envelope_seal(&header, &key, (sh_slice){text, text_len}, &s->envelope, &error), SH_OK);
    s->entry = (queue_entry){.envelope = {s->envelope.data, s->envelope.len}};
    free(text);
}

static void check(const sealed *s, size_t index, const sh_envelope_header *header, sh_slice text)
{
    assert_int_equal(header->id[0], index);
    assert_int_equal(text.len, s->text_len);
    assert_memory_equal(text.data, HEAD, HEAD_LEN);
    for (size_t i = HEAD_LEN; i < text.len; i++)
        assert_int_equal(text.data[i], byte_of(index));
}

static void entries_are_opened_in_order_whatever_their_size(void **state)
{
    (void)state;
    static const size_t sizes[] = {SMALL, LARGE, LARGE, HUGE_TEXT, LARGE, HUGE_TEXT, HUGE_TEXT,
                                   SMALL, LARGE, SMALL, SMALL,     LARGE, LARGE,     LARGE,
                                   LARGE, LARGE, LARGE, HUGE_TEXT, LARGE};
    enum { COUNT = sizeof sizes / sizeof sizes[0] };
    sealed all[COUNT];
    for (size_t i = 0; i < COUNT; i++)
        seal(&all[i], i, sizes[i]);
    entry_decoder *o = NULL;
    assert_int_equal(entry_decoder_new(&keys, true, &o, NULL), SH_OK);
    for (size_t i = 0; i < COUNT; i++) {
        sh_envelope_header header;
        sh_slice text;
        sh_error error = {0};
        const entries_ahead next = behind(all, COUNT, i);
        assert_int_equal(entry_decoder_decode(o, &all[i].entry, &next, &header, &text, &error),
                         SH_OK);
        check(&all[i], i, &header, text);
    }
    entry_decoder_free(o);
    for (size_t i = 0; i < COUNT; i++)
        sh_buf_reset(&all[i].envelope);
}

static void an_entry_that_was_opened_ahead_need_not_be_asked_for(void **state)
{
    (void)state;
    sealed all[3];
    for (size_t i = 0; i < 3; i++)
        seal(&all[i], i, LARGE);
    const entries_ahead first = {{&all[1].entry}}, last = {{&all[2].entry, &all[1].entry}};
    entry_decoder *o = NULL;
    sh_envelope_header header;
    sh_slice text;
    assert_int_equal(entry_decoder_new(&keys, true, &o, NULL), SH_OK);
    assert_int_equal(entry_decoder_decode(o, &all[0].entry, &first, &header, &text, NULL), SH_OK);
    check(&all[0], 0, &header, text);
    assert_int_equal(entry_decoder_decode(o, &all[2].entry, &first, &header, &text, NULL), SH_OK);
    check(&all[2], 2, &header, text);
    entry_decoder_rest(o);
    /* Another entry at the same address must not be taken for the one before. */
    sh_buf_reset(&all[1].envelope);
    seal(&all[1], 5, LARGE);
    assert_int_equal(entry_decoder_decode(o, &all[1].entry, NULL, &header, &text, NULL), SH_OK);
    check(&all[1], 5, &header, text);
    /* Two are under way at the end. */
    assert_int_equal(entry_decoder_decode(o, &all[0].entry, &last, &header, &text, NULL), SH_OK);
    entry_decoder_free(o);
    entry_decoder_free(NULL);
    for (size_t i = 0; i < 3; i++)
        sh_buf_reset(&all[i].envelope);
}

static void what_cannot_be_opened_ahead_says_why_when_it_is_asked_for(void **state)
{
    (void)state;
    sealed all[4];
    for (size_t i = 0; i < 4; i++)
        seal(&all[i], i, LARGE);
    all[1].envelope.data[all[1].envelope.len - 1] ^= 1; /* altered */
    all[2].entry.envelope.len = 0;                      /* none */
    entry_decoder *o = NULL;
    sh_envelope_header header;
    sh_slice text;
    assert_int_equal(entry_decoder_new(&keys, true, &o, NULL), SH_OK);
    static const sh_err expected[] = {SH_OK, SH_E_CRYPTO, SH_E_FORMAT, SH_OK};
    for (size_t i = 0; i < 4; i++) {
        sh_error error = {0};
        const entries_ahead next = behind(all, 4, i);
        assert_int_equal(entry_decoder_decode(o, &all[i].entry, &next, &header, &text, &error),
                         expected[i]);
        assert_int_equal(error.code, expected[i]);
        assert_int_equal(error.message[0] != '\0', expected[i] != SH_OK);
        if (expected[i] == SH_OK)
            check(&all[i], i, &header, text);
        else
            assert_int_equal(text.len, 0);
        if (expected[i] == SH_E_FORMAT)
            assert_string_equal(header.node, ""); /* nothing of the entry before */
    }
    entry_decoder_free(o);
    for (size_t i = 0; i < 4; i++)
        sh_buf_reset(&all[i].envelope);
}

/*
 * What is decoded in advance depends on which thread is faster, so very many orders are tried; an
 * envelope may go as soon as no call names it any more.
 */
static void any_order_of_calls_decodes_the_right_texts(void **state)
{
    (void)state;
    enum { COUNT = 6, CALLS = 2000 };
    static const size_t sizes[COUNT] = {SMALL, LARGE, LARGE / 2, LARGE, SMALL, LARGE};
    sealed all[COUNT];
    uint32_t random = 1;
    for (size_t i = 0; i < COUNT; i++) {
        seal(&all[i], i, sizes[i]);
        (void)snprintf(all[i].entry.id, sizeof all[i].entry.id, "%zu-0", i + 1);
    }
    all[3].envelope.data[all[3].envelope.len - 1] ^= 1;
    entry_decoder *o = NULL;
    assert_int_equal(entry_decoder_new(&keys, true, &o, NULL), SH_OK);
    for (int call = 0; call < CALLS; call++) {
        sh_envelope_header header;
        sh_slice text;
        random = random * 1664525 + 1013904223;
        size_t i = (random >> 16) % COUNT;
        entries_ahead next = behind(all, COUNT, (random >> 20) % COUNT);
        sh_err err = entry_decoder_decode(o, &all[i].entry, &next, &header, &text, NULL);
        assert_int_equal(err, i == 3 ? SH_E_CRYPTO : SH_OK);
        if (err == SH_OK)
            check(&all[i], i, &header, text);
        if (random >> 28 == 0)
            entry_decoder_rest(o);
        if (random >> 28 == 1)
            entry_decoder_forget(o);
    }
    entry_decoder_free(o);
    for (size_t i = 0; i < COUNT; i++)
        sh_buf_reset(&all[i].envelope);
}

static void an_entry_that_is_ready_is_not_decoded_again(void **state)
{
    (void)state;
    static const size_t sizes[] = {SMALL, LARGE, HUGE_TEXT};
    enum { COUNT = sizeof sizes / sizeof sizes[0] };
    sealed all[COUNT];
    entry_decoder *o = NULL;
    assert_int_equal(entry_decoder_new(&keys, true, &o, NULL), SH_OK);
    for (size_t i = 0; i < COUNT; i++) {
        sh_envelope_header header;
        sh_slice ready, text;
        seal(&all[i], i, sizes[i]);
        (void)snprintf(all[i].entry.id, sizeof all[i].entry.id, "%zu-0", i + 1);
        assert_int_equal(entry_decoder_ready(o, &all[i].entry, &header, &ready), SH_OK);
        check(&all[i], i, &header, ready);
        all[i].envelope.data[all[i].envelope.len - 1] ^= 1;
        /* Neither by what is decoded in advance, nor by a rest. */
        entry_decoder_rest(o);
        const entries_ahead next = behind(all, i, i);
        assert_int_equal(entry_decoder_decode(o, &all[i].entry, &next, &header, &text, NULL),
                         SH_OK);
        check(&all[i], i, &header, text);
        assert_ptr_equal(text.data, ready.data);
    }
    sh_envelope_header header;
    sh_slice text;
    sh_error error = {0};
    assert_int_equal(entry_decoder_ready(o, &all[0].entry, &header, &text), SH_E_CRYPTO);
    assert_int_equal(entry_decoder_decode(o, &all[0].entry, NULL, &header, &text, &error),
                     SH_E_CRYPTO);
    assert_true(error.message[0] != '\0');
    entry_decoder_free(o);
    for (size_t i = 0; i < COUNT; i++)
        sh_buf_reset(&all[i].envelope);
}

/* What was decoded for a call that never came must not be in front of another text. */
static void a_text_that_was_not_asked_for_is_gone(void **state)
{
    (void)state;
    sealed all[2];
    sh_envelope_header header;
    sh_slice text;
    entry_decoder *o = NULL;
    for (size_t i = 0; i < 2; i++)
        seal(&all[i], i, LARGE);
    const entries_ahead next = {{&all[1].entry}};
    assert_int_equal(entry_decoder_new(&keys, true, &o, NULL), SH_OK);
    assert_int_equal(entry_decoder_ready(o, &all[0].entry, &header, &text), SH_OK);
    assert_int_equal(entry_decoder_decode(o, &all[0].entry, &next, &header, &text, NULL), SH_OK);
    check(&all[0], 0, &header, text);
    assert_int_equal(entry_decoder_decode(o, &all[1].entry, NULL, &header, &text, NULL), SH_OK);
    check(&all[1], 1, &header, text);
    entry_decoder_free(o);
    for (size_t i = 0; i < 2; i++)
        sh_buf_reset(&all[i].envelope);
}

static void without_a_thread_the_same_texts_are_decoded(void **state)
{
    (void)state;
    enum { COUNT = 4 };
    sealed all[COUNT];
    entry_decoder *o = NULL;
    assert_int_equal(entry_decoder_new(&keys, false, &o, NULL), SH_OK);
    for (size_t i = 0; i < COUNT; i++)
        seal(&all[i], i, LARGE);
    for (size_t i = 0; i < COUNT; i++) {
        sh_envelope_header header;
        sh_slice text;
        const entries_ahead next = behind(all, COUNT, i);
        assert_int_equal(entry_decoder_decode(o, &all[i].entry, &next, &header, &text, NULL),
                         SH_OK);
        check(&all[i], i, &header, text);
        if (i == 1)
            entry_decoder_rest(o);
    }
    entry_decoder_forget(o);
    entry_decoder_free(o);
    for (size_t i = 0; i < COUNT; i++)
        sh_buf_reset(&all[i].envelope);
}

static void invalid_content_is_found_before_it_is_merged(void **state)
{
    (void)state;
    const struct {
        sh_kind kind;
        const char *text, *message;
    } cases[] = {
        {SH_KIND_DEVICES, "{\"data\": [{\"devMac\": \"a\"}", "truncated after row 1"},
        {SH_KIND_DEVICES, "{\"rows\": []}", "a device table is"},
        {SH_KIND_DEVICES, "", "a device table is"},
        {SH_KIND_PLUGIN, "a|b\n", "no line of the plugin result is valid"},
        {SH_KIND_PLUGIN, "a||||||||\n\xff\n", "not UTF-8"},
    };
    entry_decoder *o = NULL;
    assert_int_equal(entry_decoder_new(&keys, true, &o, NULL), SH_OK);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sh_envelope_header header = {.kind = cases[i].kind, .parts = 1, .node = "N"};
        (void)snprintf(header.plugin, sizeof header.plugin, "%s",
                       cases[i].kind == SH_KIND_PLUGIN ? "P" : "");
        sh_node_key key;
        sh_buf envelope = SH_BUF_INIT(SH_ENVELOPE_MAX);
        sh_node_key_derive(keys.passphrase_key, SH_SLICE("N"), &key);
        assert_int_equal(
            sh_envelope_seal(&header, &key, sh_slice_of(cases[i].text), &envelope, NULL), SH_OK);
        queue_entry entry = {.envelope = {envelope.data, envelope.len}};
        sh_slice text;
        sh_error error = {0};
        assert_int_equal(entry_decoder_decode(o, &entry, NULL, &header, &text, &error),
                         SH_E_FORMAT);
        assert_non_null(strstr(error.message, cases[i].message));
        assert_true(entry_decoder_is_authentic(o));
        envelope.data[envelope.len - 1] ^= 1;
        assert_int_equal(entry_decoder_decode(o, &entry, NULL, &header, &text, NULL), SH_E_CRYPTO);
        assert_false(entry_decoder_is_authentic(o));
        sh_buf_reset(&envelope);
    }
    entry_decoder_free(o);
}

static void kept_entries_are_decoded_once_and_in_any_order(void **state)
{
    (void)state;
    static const size_t sizes[] = {SMALL, LARGE, SMALL, LARGE, LARGE};
    enum { COUNT = sizeof sizes / sizeof sizes[0], BAD = 2 };
    sealed all[COUNT];
    const queue_entry *kept[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        seal(&all[i], i, sizes[i]);
        (void)snprintf(all[i].entry.id, sizeof all[i].entry.id, "%zu-0", i + 1);
        kept[i] = &all[i].entry;
    }
    all[BAD].envelope.data[all[BAD].envelope.len - 1] ^= 1;
    entry_decoder *o = NULL;
    assert_int_equal(entry_decoder_new(&keys, true, &o, NULL), SH_OK);
    assert_int_equal(entry_decoder_keep(o, kept, COUNT, 0, NULL), SH_OK);
    for (size_t i = 0; i < COUNT; i++) {
        const kept_entry one = entry_decoder_kept(o, i);
        assert_int_equal(one.err, i == BAD ? SH_E_CRYPTO : SH_OK);
        if (i != BAD)
            check(&all[i], i, &one.header, one.text);
    }
    /* What is kept is not read again. */
    all[3].envelope.data[all[3].envelope.len - 1] ^= 1;
    static const size_t order[] = {3, 0, 4, 1};
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        sh_envelope_header header;
        sh_slice text;
        const entries_ahead next = {{i < 3 ? &all[order[i + 1]].entry : NULL}};
        assert_int_equal(entry_decoder_decode(o, &all[order[i]].entry, &next, &header, &text, NULL),
                         SH_OK);
        check(&all[order[i]], order[i], &header, text);
    }
    sh_envelope_header header;
    sh_slice text;
    sh_error error = {0};
    assert_int_equal(entry_decoder_decode(o, &all[BAD].entry, NULL, &header, &text, &error),
                     SH_E_CRYPTO);
    assert_true(error.message[0] != '\0');
    /* Other ones replace them, and none is left. */
    assert_int_equal(entry_decoder_keep(o, kept, 2, 0, NULL), SH_OK);
    entry_decoder_forget(o);
    assert_int_equal(entry_decoder_decode(o, &all[3].entry, NULL, &header, &text, &error),
                     SH_E_CRYPTO);
    assert_int_equal(entry_decoder_keep(o, kept, 2, 0, NULL), SH_OK);
    entry_decoder_free(o);
    for (size_t i = 0; i < COUNT; i++)
        sh_buf_reset(&all[i].envelope);
}

/* A table of `count` rows that is long enough to be decoded in advance. */
static void seal_table(queue_entry *ret, sh_buf *envelope, size_t count)
{
    sh_buf text = SH_BUF_INIT(SH_PLAIN_MAX);
    sh_envelope_header header = {.kind = SH_KIND_DEVICES, .parts = 1, .node = "N"};
    sh_node_key key;
    sh_node_key_derive(keys.passphrase_key, SH_SLICE("N"), &key);
    assert_int_equal(sh_buf_append_text(&text, "{\"data\":["), SH_OK);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(sh_buf_append_text(&text, i == 0 ? "{}" : ",{}"), SH_OK);
    assert_int_equal(sh_buf_append_text(&text, "]}"), SH_OK);
    *envelope = SH_BUF_INIT(SH_ENVELOPE_MAX);
    assert_int_equal(
        sh_envelope_seal(&header, &key, (sh_slice){text.data, text.len}, envelope, NULL), SH_OK);
    *ret = (queue_entry){.envelope = {envelope->data, envelope->len}};
    sh_buf_reset(&text);
}

static void tables_of_any_number_of_rows_are_decoded(void **state)
{
    (void)state;
    static const size_t rows[] = {30000, 32768, 32769, 200000, 200001, 200000, 30000, 32769};
    enum { COUNT = sizeof rows / sizeof rows[0] };
    sh_buf envelopes[COUNT];
    queue_entry all[COUNT];
    entry_decoder *o = NULL;
    assert_int_equal(entry_decoder_new(&keys, true, &o, NULL), SH_OK);
    for (size_t i = 0; i < COUNT; i++)
        seal_table(&all[i], &envelopes[i], rows[i]);
    for (size_t i = 0; i < COUNT; i++) {
        sh_envelope_header header;
        sh_slice text;
        const entries_ahead next = {
            {i + 1 < COUNT ? &all[i + 1] : NULL, i + 2 < COUNT ? &all[i + 2] : NULL}};
        bool valid = rows[i] <= 200000;
        assert_int_equal(entry_decoder_decode(o, &all[i], &next, &header, &text, NULL),
                         valid ? SH_OK : SH_E_LIMIT);
        assert_int_equal(entry_decoder_rows(o)->count, valid ? rows[i] : 0);
    }
    entry_decoder_free(o);
    for (size_t i = 0; i < COUNT; i++)
        sh_buf_reset(&envelopes[i]);
}

static void tables_are_kept_up_to_a_number_of_rows(void **state)
{
    (void)state;
    static const char *texts[] = {"{\"data\":[0,0]}", "{\"data\":[0]}", "{\"data\":[0,0]}",
                                  "{\"data\":[0]}"};
    enum { COUNT = sizeof texts / sizeof texts[0], KEPT = 2 };
    sh_buf envelopes[COUNT];
    queue_entry all[COUNT] = {{.deliveries = 0}};
    const queue_entry *entries[COUNT];
    sh_envelope_header header = {.kind = SH_KIND_DEVICES, .parts = 1, .node = "N"};
    sh_node_key key;
    sh_node_key_derive(keys.passphrase_key, SH_SLICE("N"), &key);
    for (size_t i = 0; i < COUNT; i++) {
        envelopes[i] = SH_BUF_INIT(SH_ENVELOPE_MAX);
        assert_int_equal(
            sh_envelope_seal(&header, &key, sh_slice_of(texts[i]), &envelopes[i], NULL), SH_OK);
        all[i].envelope = (sh_slice){envelopes[i].data, envelopes[i].len};
        (void)snprintf(all[i].id, sizeof all[i].id, "%zu-0", i + 1);
        entries[i] = &all[i];
    }
    entry_decoder *o = NULL;
    assert_int_equal(entry_decoder_new(&keys, true, &o, NULL), SH_OK);
    assert_int_equal(entry_decoder_keep(o, entries, COUNT, 4, NULL), SH_OK);
    for (size_t i = 0; i < COUNT; i++)
        assert_int_equal(entry_decoder_kept(o, i).err, i < KEPT ? SH_OK : SH_E_LIMIT);
    for (size_t i = 0; i < COUNT; i++) {
        sh_slice text;
        assert_int_equal(entry_decoder_decode(o, &all[i], NULL, &header, &text, NULL), SH_OK);
        assert_memory_equal(text.data, texts[i], strlen(texts[i]));
        assert_int_equal(entry_decoder_rows(o)->count, i % 2 == 0 ? 2 : 1);
    }
    entry_decoder_free(o);
    for (size_t i = 0; i < COUNT; i++)
        sh_buf_reset(&envelopes[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kept_entries_are_decoded_once_and_in_any_order),
        cmocka_unit_test(tables_are_kept_up_to_a_number_of_rows),
        cmocka_unit_test(tables_of_any_number_of_rows_are_decoded),
        cmocka_unit_test(an_entry_that_is_ready_is_not_decoded_again),
        cmocka_unit_test(a_text_that_was_not_asked_for_is_gone),
        cmocka_unit_test(without_a_thread_the_same_texts_are_decoded),
        cmocka_unit_test(invalid_content_is_found_before_it_is_merged),
        cmocka_unit_test(entries_are_opened_in_order_whatever_their_size),
        cmocka_unit_test(an_entry_that_was_opened_ahead_need_not_be_asked_for),
        cmocka_unit_test(any_order_of_calls_decodes_the_right_texts),
        cmocka_unit_test(what_cannot_be_opened_ahead_says_why_when_it_is_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
