/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "libcommon/crypto/chacha20_poly1305.h"
#include "libcommon/crypto/encryption_key.h"
#include "libcommon/native/envelope.h"
#include "libcommon/os/file.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint8_t passphrase_key[SH_KEY_BYTES];

static int derive_once(void **state)
{
    (void)state;
    sh_error error = {0};
    assert_int_equal(sh_crypto_init(&error), SH_OK);
    assert_int_equal(
        sh_key_from_passphrase(SH_SLICE("correct horse battery staple"), passphrase_key, &error),
        SH_OK);
    return 0;
}

static sh_buf golden(const char *name)
{
    char path[512];
    sh_error error = {0};
    sh_buf content = SH_BUF_INIT(SH_MIB);
    (void)snprintf(path, sizeof path, "%s/golden/%s", TESTS_DIR, name);
    assert_int_equal(sh_file_read(path, &content, NULL, &error), SH_OK);
    return content;
}

static sh_slice slice_of(const sh_buf *buf)
{
    return (sh_slice){buf->data, buf->len};
}

/* Opens and seals a golden file with each library, which the hub chooses from by length. */
static void check_both_libraries(const sh_buf *file, const sh_envelope_header *header,
                                 const sh_node_key *key)
{
    enum { NONCE_AT = 88, NAMES_AT = 112 }; /* PROTOCOL.md */
    const uint8_t *all = (const uint8_t *)file->data, *nonce = all + NONCE_AT;
    size_t clear_len = NAMES_AT + strlen(header->node) + strlen(header->plugin);
    size_t sealed_len = file->len - clear_len, len = sealed_len - SH_TAG_BYTES;
    uint8_t *first = malloc(sealed_len), *second = malloc(sealed_len);
    sh_chacha20_poly1305 c = {.associated = {file->data, clear_len}};
    assert_non_null(first);
    assert_non_null(second);
    assert_int_equal(crypto_aead_xchacha20poly1305_ietf_decrypt(first, NULL, NULL, all + clear_len,
                                                                sealed_len, all, clear_len, nonce,
                                                                key->seal),
                     0);
    (void)crypto_core_hchacha20(c.key, nonce, key->seal, NULL);
    memcpy(c.nonce + 4, nonce + 16, 8);
    const sh_slice sealed = {file->data + clear_len, sealed_len};
    assert_int_equal(sh_chacha20_poly1305_open(&c, sealed, second), SH_OK);
    assert_memory_equal(first, second, len);
    assert_int_equal(sh_chacha20_poly1305_seal(&c, (sh_slice){(const char *)first, len}, second),
                     SH_OK);
    assert_memory_equal(second, sealed.data, sealed_len);
    free(first);
    free(second);
}

/* The files were made by tests/golden/make.py from PROTOCOL.md alone. */
static void envelopes_of_another_implementation_open(void **state)
{
    (void)state;
    static const char phrase[] = "correct horse battery staple";
    static const struct {
        const char *name, *node, *plugin;
        sh_kind kind;
        int64_t time_ms;
        const char *encryption_key;
    } cases[] = {
        {"v1_devices", "B\xc3\xbcro 1", "", SH_KIND_DEVICES, 1787367180000, phrase},
        {"v1_plugin", "Node_A", "ARPSCAN", SH_KIND_PLUGIN, 1787367181234, phrase},
        {"v1_empty", "n", "", SH_KIND_DEVICES, 0, phrase},
        {"v1_random_key", "Node_B", "", SH_KIND_DEVICES, 1787367182000,
         "shkey1_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"},
        {"v1_large", "Node_C", "", SH_KIND_DEVICES, 1787367183000, phrase},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char name[64];
        sh_error error = {0};
        (void)snprintf(name, sizeof name, "%s.envelope", cases[i].name);
        sh_buf sealed = golden(name);
        (void)snprintf(name, sizeof name, "%s.text", cases[i].name);
        sh_buf expected = golden(name);

        sh_envelope_header header;
        assert_int_equal(sh_envelope_peek(slice_of(&sealed), &header, &error), SH_OK);
        assert_string_equal(header.node, cases[i].node);
        assert_string_equal(header.plugin, cases[i].plugin);
        assert_int_equal(header.kind, cases[i].kind);
        assert_int_equal(header.time_ms, cases[i].time_ms);

        sh_node_key key;
        sh_buf text = SH_BUF_INIT(SH_PLAIN_MAX);
        uint8_t base[SH_KEY_BYTES];
        assert_int_equal(
            sh_encryption_key_derive(sh_slice_of(cases[i].encryption_key), base, &error), SH_OK);
        sh_node_key_derive(base, sh_slice_of(header.node), &key);
        assert_int_equal(sh_envelope_open(slice_of(&sealed), &header, &key, &text, &error), SH_OK);
        assert_int_equal(text.len, expected.len);
        assert_memory_equal(text.data, expected.data, text.len);

        check_both_libraries(&sealed, &header, &key);
        uint8_t digest[SH_DIGEST_BYTES];
        sh_digest(&key, slice_of(&text), digest);
        assert_memory_equal(digest, header.digest, sizeof digest);
        sh_buf_reset(&sealed);
        sh_buf_reset(&expected);
        sh_buf_reset(&text);
    }
}

static sh_envelope_header header_of(const char *node, const char *plugin)
{
    sh_envelope_header header = {
        .kind = plugin[0] == '\0' ? SH_KIND_DEVICES : SH_KIND_PLUGIN, .time_ms = 5, .parts = 1};
    (void)snprintf(header.node, sizeof header.node, "%s", node);
    (void)snprintf(header.plugin, sizeof header.plugin, "%s", plugin);
    sh_random(header.id, sizeof header.id);
    return header;
}

static sh_buf seal(const char *node, const char *plugin, const char *text)
{
    sh_error error = {0};
    sh_node_key key;
    sh_buf sealed = SH_BUF_INIT(SH_ENVELOPE_MAX);
    sh_envelope_header header = header_of(node, plugin);
    sh_node_key_derive(passphrase_key, sh_slice_of(node), &key);
    sh_digest(&key, sh_slice_of(text), header.digest);
    assert_int_equal(sh_envelope_seal(&header, &key, sh_slice_of(text), &sealed, &error), SH_OK);
    return sealed;
}

/* Peeks and opens; the first error. */
static sh_err open_as(sh_slice sealed, const char *node)
{
    sh_error error = {0};
    sh_envelope_header header;
    sh_err err = sh_envelope_peek(sealed, &header, &error);
    if (err != SH_OK)
        return err;
    sh_node_key key;
    sh_node_key_derive(passphrase_key, sh_slice_of(node), &key);
    sh_buf text = SH_BUF_INIT(SH_PLAIN_MAX);
    err = sh_envelope_open(sealed, &header, &key, &text, &error);
    sh_buf_reset(&text);
    return err;
}

static void no_altered_bit_is_accepted(void **state)
{
    (void)state;
    sh_buf sealed = seal("Node_A", "ARPSCAN", "a|b|c|d|e|f|g|h|i\n");
    assert_int_equal(open_as(slice_of(&sealed), "Node_A"), SH_OK);
    for (size_t bit = 0; bit < sealed.len * 8; bit++) {
        sealed.data[bit / 8] ^= (char)(1 << bit % 8);
        assert_int_not_equal(open_as(slice_of(&sealed), "Node_A"), SH_OK);
        sealed.data[bit / 8] ^= (char)(1 << bit % 8);
    }
    sh_buf_reset(&sealed);
}

static void envelopes_of_another_length_are_rejected(void **state)
{
    (void)state;
    sh_buf sealed = seal("Node_A", "", "{\"data\": []}");
    for (size_t len = 0; len < sealed.len; len++)
        assert_int_equal(open_as((sh_slice){sealed.data, len}, "Node_A"), SH_E_FORMAT);
    assert_int_equal(sh_buf_append(&sealed, "x", 1), SH_OK);
    assert_int_equal(open_as(slice_of(&sealed), "Node_A"), SH_E_FORMAT);
    sh_buf_reset(&sealed);
}

static void an_envelope_does_not_open_for_another_node(void **state)
{
    (void)state;
    sh_buf sealed = seal("Node_A", "", "{\"data\": []}");
    assert_int_equal(open_as(slice_of(&sealed), "Node_B"), SH_E_CRYPTO);
    sh_buf_reset(&sealed);
}

static void invalid_headers_are_rejected_without_a_key(void **state)
{
    (void)state;
    static const struct {
        size_t at;
        uint8_t value[4];
        size_t len;
        sh_err expected;
    } cases[] = {
        {0, {'X'}, 1, SH_E_FORMAT},                     /* magic */
        {4, {2}, 1, SH_E_UNSUPPORTED},                  /* version */
        {5, {3}, 1, SH_E_FORMAT},                       /* kind */
        {5, {2}, 1, SH_E_REFUSED},                      /* a plugin result without a plugin */
        {6, {0}, 1, SH_E_FORMAT},                       /* no node: the length does not fit */
        {24, {0xff}, 1, SH_E_FORMAT},                   /* a time before 1970 */
        {72, {0, 0, 0, 1}, 4, SH_E_FORMAT},             /* part 1 of 1 */
        {76, {0, 0, 0, 0}, 4, SH_E_FORMAT},             /* part 0 of 0 */
        {80, {0x04, 0x00, 0x00, 0x01}, 4, SH_E_LIMIT},  /* one byte over SH_PLAIN_MAX */
        {84, {0xff, 0xff, 0xff, 0xff}, 4, SH_E_FORMAT}, /* more than there is */
        {112, {'/'}, 1, SH_E_REFUSED},                  /* a path in the node's name */
        {112, {0xff}, 1, SH_E_REFUSED},                 /* no UTF-8 */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sh_buf sealed = seal("Node_A", "", "{\"data\": []}");
        memcpy(sealed.data + cases[i].at, cases[i].value, cases[i].len);
        sh_error error = {0};
        sh_envelope_header header;
        assert_int_equal(sh_envelope_peek(slice_of(&sealed), &header, &error), cases[i].expected);
        assert_int_equal(error.code, cases[i].expected);
        sh_buf_reset(&sealed);
    }
}

static void sealing_rejects_invalid_names_and_long_texts(void **state)
{
    (void)state;
    sh_node_key key;
    sh_node_key_derive(passphrase_key, SH_SLICE("n"), &key);
    static const char *const names[][2] = {{"", ""}, {"a/b", ""}, {"..", ""}, {"n", "a-b"}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        sh_error error = {0};
        sh_buf sealed = SH_BUF_INIT(SH_ENVELOPE_MAX);
        sh_envelope_header header = header_of(names[i][0], names[i][1]);
        assert_int_equal(sh_envelope_seal(&header, &key, SH_SLICE("x"), &sealed, &error),
                         SH_E_REFUSED);
        sh_buf_reset(&sealed);
    }
    sh_error error = {0};
    sh_buf sealed = SH_BUF_INIT(SH_ENVELOPE_MAX);
    sh_envelope_header header = header_of("n", "");
    char *text = calloc(1, SH_PLAIN_MAX + 1);
    assert_non_null(text);
    assert_int_equal(
        sh_envelope_seal(&header, &key, (sh_slice){text, SH_PLAIN_MAX + 1}, &sealed, &error),
        SH_E_LIMIT);
    sh_error_clear(&error);
    assert_int_equal(
        sh_envelope_seal(&header, &key, (sh_slice){text, SH_PLAIN_MAX}, &sealed, &error), SH_OK);
    free(text);
    sh_buf_reset(&sealed);
}

static void a_text_that_does_not_fit_in_an_envelope_is_rejected(void **state)
{
    (void)state;
    const size_t len = SH_ENVELOPE_MAX + 1;
    char *noise = malloc(len);
    assert_non_null(noise);
    sh_random(noise, len);
    sh_error error = {0};
    sh_node_key key;
    sh_node_key_derive(passphrase_key, SH_SLICE("n"), &key);
    sh_buf sealed = SH_BUF_INIT(SH_ENVELOPE_MAX);
    sh_envelope_header header = header_of("n", "");
    assert_int_equal(sh_envelope_seal(&header, &key, (sh_slice){noise, len}, &sealed, &error),
                     SH_E_LIMIT);
    assert_int_equal(sealed.len, 0);
    free(noise);
    sh_buf_reset(&sealed);
}

/* PROTOCOL.md section 2, of what ingest seals for NetAlertX. */
static void the_digest_of_the_compressed_text_distinguishes_texts(void **state)
{
    (void)state;
    static const char *const texts[] = {"{\"data\": []}", "{\"data\": []}", "{\"data\": [ ]}"};
    sh_node_key key;
    uint8_t digests[3][SH_DIGEST_BYTES];
    sh_node_key_derive(passphrase_key, SH_SLICE("n"), &key);
    for (size_t i = 0; i < 3; i++) {
        sh_error error = {0};
        sh_buf sealed = SH_BUF_INIT(SH_ENVELOPE_MAX);
        sh_buf text = SH_BUF_INIT(SH_PLAIN_MAX);
        sh_envelope_header header = header_of("n", "");
        sh_envelope_header read;
        assert_int_equal(
            sh_envelope_seal_and_digest(&header, &key, sh_slice_of(texts[i]), &sealed, &error),
            SH_OK);
        assert_int_equal(sh_envelope_peek(slice_of(&sealed), &read, &error), SH_OK);
        assert_memory_equal(read.digest, header.digest, sizeof read.digest);
        assert_int_equal(sh_envelope_open(slice_of(&sealed), &read, &key, &text, &error), SH_OK);
        assert_string_equal(text.data, texts[i]);
        memcpy(digests[i], read.digest, sizeof digests[i]);
        sh_buf_reset(&sealed);
        sh_buf_reset(&text);
    }
    assert_memory_equal(digests[0], digests[1], sizeof digests[0]);
    assert_memory_not_equal(digests[0], digests[2], sizeof digests[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(envelopes_of_another_implementation_open),
        cmocka_unit_test(no_altered_bit_is_accepted),
        cmocka_unit_test(envelopes_of_another_length_are_rejected),
        cmocka_unit_test(an_envelope_does_not_open_for_another_node),
        cmocka_unit_test(invalid_headers_are_rejected_without_a_key),
        cmocka_unit_test(sealing_rejects_invalid_names_and_long_texts),
        cmocka_unit_test(the_digest_of_the_compressed_text_distinguishes_texts),
        cmocka_unit_test(a_text_that_does_not_fit_in_an_envelope_is_rejected),
    };
    return cmocka_run_group_tests(tests, derive_once, NULL);
}
