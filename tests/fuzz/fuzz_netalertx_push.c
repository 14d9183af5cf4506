/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/utf8.h"
#include "tests/fuzz/fuzz.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/limits.h"
#include "libcommon/netalertx/netalertx_cipher.h"
#include "libcommon/netalertx/netalertx_format.h"

#include <stdlib.h>

/* NetAlertX pushes: uses the input as a body, as the end of a body, and as a payload. */

static const sh_slice passphrase = SH_SLICE("test-secret-key");

static void decrypt(sh_slice wire)
{
    SH_CLEANUP(sh_buf_reset) sh_buf plain = SH_BUF_INIT(SH_PLAIN_MAX);
    sh_error error = {0};
    bool valid = false;
    sh_err err = sh_netalertx_decrypt(passphrase, wire, &plain, &valid, &error);
    fuzz_assert(err == SH_OK, "decryption succeeds for any bytes");
    fuzz_assert(plain.len > 0 || valid, "an invalid payload yields bytes");
    fuzz_assert(plain.len <= wire.len + 16, "the text is not longer than the payload");
}

static void read_body(sh_slice body)
{
    SH_CLEANUP(sh_netalertx_push_reset) sh_netalertx_push push = {0};
    sh_error error = {0};
    sh_err err = sh_netalertx_push_read(body, &push, &error);
    fuzz_assert(err == error.code, "an error has a message");
    if (err != SH_OK)
        return;
    fuzz_assert(sh_utf8_is_valid(push.node.data, push.node.len) &&
                    sh_utf8_is_valid(push.plugin.data, push.plugin.len),
                "names are UTF-8");
    decrypt(push.data);
}

/* Encrypts the input, writes a body, and reads both back. */
static void round_trip(sh_slice text)
{
    static const uint8_t iv[SH_NETALERTX_IV_BYTES];
    SH_CLEANUP(sh_buf_reset) sh_buf wire = SH_BUF_INIT(SH_NETALERTX_BODY_MAX);
    SH_CLEANUP(sh_buf_reset) sh_buf body = SH_BUF_INIT(SH_NETALERTX_BODY_MAX);
    SH_CLEANUP(sh_buf_reset) sh_buf plain = SH_BUF_INIT(SH_PLAIN_MAX);
    SH_CLEANUP(sh_netalertx_push_reset) sh_netalertx_push push = {0};
    fuzz_assert(sh_netalertx_encrypt(passphrase, text, iv, &wire, NULL) == SH_OK &&
                    sh_netalertx_push_write((sh_slice){wire.data, wire.len}, "/tmp/a", "SYNC",
                                            "node", &body) == SH_OK,
                "a push can be written");
    fuzz_assert(sh_netalertx_push_read((sh_slice){body.data, body.len}, &push, NULL) == SH_OK,
                "a written push can be parsed");
    bool valid = false;
    fuzz_assert(
        sh_netalertx_decrypt(passphrase, push.data, &plain, &valid, NULL) == SH_OK && valid &&
            sh_slice_equals((sh_slice){plain.data == NULL ? "" : plain.data, plain.len}, text),
        "a payload decrypts to the same text");
}

static void read_claimed_name(sh_slice tail)
{
    SH_CLEANUP(sh_buf_reset) sh_buf name = SH_BUF_INIT(SH_NODE_NAME_MAX);
    if (sh_netalertx_push_claimed(tail, &name))
        fuzz_assert(name.len <= SH_NODE_NAME_MAX, "a claimed name is limited");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = fuzz_copy(data, size);
    sh_slice text = {copy, size};
    read_body(text);
    read_claimed_name(text);
    decrypt(text);
    round_trip(text);
    free(copy);
    return 0;
}
