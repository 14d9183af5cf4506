/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "libcommon/crypto/encryption_key.h"

#include <string.h>

#define TEXT "shkey1_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8" /* bytes 0 to 31 */

static int start_crypto(void **state)
{
    (void)state;
    assert_int_equal(sh_crypto_init(NULL), SH_OK);
    return 0;
}

static void a_random_key_is_used_as_it_is(void **state)
{
    (void)state;
    uint8_t key[SH_KEY_BYTES];
    char text[SH_ENCRYPTION_KEY_TEXT_BYTES];
    assert_int_equal(sh_encryption_key_check(SH_SLICE(TEXT), NULL), SH_OK);
    assert_int_equal(sh_encryption_key_derive(SH_SLICE(TEXT), key, NULL), SH_OK);
    for (size_t i = 0; i < sizeof key; i++)
        assert_int_equal(key[i], i);
    sh_random_key_write(key, text);
    assert_string_equal(text, TEXT);
}

static void any_other_text_is_a_passphrase(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "shkey1",
        "SHKEY1_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
        "shkey2_x",
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        uint8_t key[SH_KEY_BYTES], expected[SH_KEY_BYTES];
        sh_slice text = sh_slice_of(texts[i]);
        assert_int_equal(sh_encryption_key_check(text, NULL), SH_OK);
        assert_int_equal(sh_encryption_key_derive(text, key, NULL), SH_OK);
        assert_int_equal(sh_key_from_passphrase(text, expected, NULL), SH_OK);
        assert_memory_equal(key, expected, sizeof key);
    }
}

/* A key that was not copied whole must not be taken for a passphrase: nobody would find out why. */
static void a_damaged_random_key_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "shkey1_",
        "shkey1_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh",   /* the last character is missing */
        "shkey1_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", /* padded */
        "shkey1_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8A",
        "shkey1_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9", /* bits after the last byte */
        "shkey1_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8 ",
        "shkey1_ AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
        "shkey1_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdH/8", /* base64, not base64url */
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        uint8_t key[SH_KEY_BYTES] = {7};
        sh_error error = {0};
        assert_int_equal(sh_encryption_key_check(sh_slice_of(texts[i]), &error), SH_E_CONFIG);
        assert_non_null(strstr(error.message, "shkey1_"));
        assert_non_null(strstr(error.message, "50 characters"));
        assert_null(strstr(error.message, "AAECAw"));
        assert_int_equal(sh_encryption_key_derive(sh_slice_of(texts[i]), key, &error), SH_E_CONFIG);
        assert_int_equal(key[0], 7);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_random_key_is_used_as_it_is),
        cmocka_unit_test(any_other_text_is_a_passphrase),
        cmocka_unit_test(a_damaged_random_key_is_refused),
    };
    return cmocka_run_group_tests(tests, start_crypto, NULL);
}
