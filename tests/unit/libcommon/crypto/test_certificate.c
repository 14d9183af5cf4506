/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/crypto/certificate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Made by: openssl req -x509 -newkey ed25519 -nodes -not_before … -addext subjectAltName=… */
static const char hub[] = "-----BEGIN CERTIFICATE-----\n"
                          "MIIBYzCCARWgAwIBAgIUAYs99N3IlVcu9eF+qVG/qddAdnEwBQYDK2VwMA4xDDAK\n"
                          "BgNVBAMMA2h1YjAeFw0yNjExMjgyMTM3MTRaFw0zNjExMjUyMTM3MTRaMA4xDDAK\n"
                          "BgNVBAMMA2h1YjAqMAUGAytlcAMhAFzotktkxbg22OyuhQABhUYGbobJ2POcX+Pm\n"
                          "ekKCp+3Qo4GEMIGBMB0GA1UdDgQWBBSjyVdauNcBkicD3clFF0pO9j7vujAfBgNV\n"
                          "HSMEGDAWgBSjyVdauNcBkicD3clFF0pO9j7vujAPBgNVHRMBAf8EBTADAQH/MC4G\n"
                          "A1UdEQQnMCWCC2h1Yi5leGFtcGxlhwTAAAIBhxAgAQ24AAAAAAAAAAAAAAABMAUG\n"
                          "AytlcANBANJAiXEM3PWRqLTuXJJh47QUPVVaWVWnZogPly13GfYhUJkM3NLfRmuF\n"
                          "gLemJLBcdZsbmoL9L7RzHTR2PmXT2Q4=\n"
                          "-----END CERTIFICATE-----\n";
static const char hub_key[] = "-----BEGIN PRIVATE KEY-----\n"
                              "MC4CAQAwBQYDK2VwBCIEIBH0w2s7CUma/TbxfB0lZV00zGaJULvswJxyq+9KO6WH\n"
                              "-----END PRIVATE KEY-----\n";
static const char other_key[] = "-----BEGIN PRIVATE KEY-----\n"
                                "MC4CAQAwBQYDK2VwBCIEIA24MBm9NxK/4kQXO6Mj2JJ6Rw5LdgfPikaK0v5tmXiu\n"
                                "-----END PRIVATE KEY-----\n";
static const char plain[] = "-----BEGIN CERTIFICATE-----\n"
                            "MIIBRDCB96ADAgECAhRv71KO7P0zTAP5TfuhNaEw1hkbjDAFBgMrZXAwGDEWMBQG\n"
                            "A1UEAwwNd2l0aG91dCBuYW1lczAeFw0yNjExMjgyMTM3MTRaFw0zNjExMjUyMTM3\n"
                            "MTRaMBgxFjAUBgNVBAMMDXdpdGhvdXQgbmFtZXMwKjAFBgMrZXADIQBiyur7GZhF\n"
                            "5ZmLkhLhrl5VH/bxvMJluO0NAAjztFfIIaNTMFEwHQYDVR0OBBYEFAANVeqovmid\n"
                            "1f46Qa1nCp+jRxo/MB8GA1UdIwQYMBaAFAANVeqovmid1f46Qa1nCp+jRxo/MA8G\n"
                            "A1UdEwEB/wQFMAMBAf8wBQYDK2VwA0EAM/eNCKvPPQ9eP/dHfWxfC8qon46N5NJL\n"
                            "YYUq5cO6DcSuQAF18UB0LMgtfn/GQn/HCpeRofbLdurSH6gIok/PBA==\n"
                            "-----END CERTIFICATE-----\n";

static sh_slice text(const char *pem)
{
    return (sh_slice){pem, strlen(pem)};
}

static void names_and_times_are_read(void **state)
{
    (void)state;
    sh_certificate certificate;
    assert_int_equal(sh_certificate_read(text(hub), &certificate, NULL), SH_OK);
    assert_string_equal(certificate.names, "hub.example, 192.0.2.1, 2001:db8::1");
    assert_true(certificate.begin_ms == INT64_C(1795901834000) &&
                certificate.end_ms == INT64_C(2111261834000));
    assert_int_equal(sh_certificate_read(text(plain), &certificate, NULL), SH_OK);
    assert_string_equal(certificate.names, "/CN=without names");
}

static void only_its_own_key_fits(void **state)
{
    (void)state;
    sh_error error = {.code = SH_OK};
    assert_int_equal(sh_certificate_check_key(text(hub), text(hub_key), NULL), SH_OK);
    assert_int_equal(sh_certificate_check_key(text(hub), text(other_key), &error), SH_E_CRYPTO);
    assert_non_null(strstr(error.message, "another certificate"));
    assert_int_equal(sh_certificate_check_key(text(hub_key), text(hub_key), NULL), SH_E_FORMAT);
    assert_int_equal(sh_certificate_check_key(text(hub), text(hub), NULL), SH_E_FORMAT);
}

static void anything_else_is_no_certificate(void **state)
{
    (void)state;
    sh_certificate certificate;
    char cut[sizeof hub];
    assert_int_equal(sh_certificate_read(text(""), &certificate, NULL), SH_E_FORMAT);
    assert_int_equal(sh_certificate_read(text("x"), &certificate, NULL), SH_E_FORMAT);
    for (size_t len = 0; len < sizeof hub - 30; len += 7) { /* -----END CERTIFICATE----- */
        memcpy(cut, hub, len);
        cut[len] = '\0';
        assert_int_equal(sh_certificate_read(text(cut), &certificate, NULL), SH_E_FORMAT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_times_are_read),
        cmocka_unit_test(only_its_own_key_fits),
        cmocka_unit_test(anything_else_is_no_certificate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
