/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/utf8.h"
#include "tests/fuzz/fuzz.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/limits.h"
#include "libcommon/netalertx/netalertx_cipher.h"
#include "libcommon/netalertx/netalertx_format.h"

#include <stdlib.h>

/* What NetAlertX pushes: the JSON body, and its payload; each also from the input itself. */

static const sh_slice passphrase = SH_SLICE("test-secret-key");

static void decrypt(sh_slice wire)
{
    SH_CLEANUP(sh_buf_reset) sh_buf plain = SH_BUF_INIT(SH_PLAIN_MAX);
    sh_error error = {0};
    bool valid = false;
    sh_err err = sh_netalertx_decrypt(passphrase, wire, &plain, &valid, &error);
    fuzz_must(err == SH_OK, "any bytes are decrypted");
    fuzz_must(plain.len > 0 || valid, "what is not valid has a length, too");
    fuzz_must(plain.len <= wire.len + 16, "no more than was sent");
}

static void read_body(sh_slice body)
{
    SH_CLEANUP(sh_netalertx_push_reset) sh_netalertx_push push = {0};
    sh_error error = {0};
    sh_err err = sh_netalertx_push_read(body, &push, &error);
    fuzz_must(err == error.code, "a failure has words");
    if (err != SH_OK)
        return;
    fuzz_must(sh_utf8_is_valid(push.node.data, push.node.len) &&
                  sh_utf8_is_valid(push.plugin.data, push.plugin.len),
              "names are UTF-8");
    decrypt(push.data);
}

/* What is sealed and written reads and opens to the same. */
static void round_trip(sh_slice text)
{
    static const uint8_t iv[SH_NETALERTX_IV_BYTES];
    SH_CLEANUP(sh_buf_reset) sh_buf wire = SH_BUF_INIT(SH_NETALERTX_BODY_MAX);
    SH_CLEANUP(sh_buf_reset) sh_buf body = SH_BUF_INIT(SH_NETALERTX_BODY_MAX);
    SH_CLEANUP(sh_buf_reset) sh_buf plain = SH_BUF_INIT(SH_PLAIN_MAX);
    SH_CLEANUP(sh_netalertx_push_reset) sh_netalertx_push push = {0};
    fuzz_must(sh_netalertx_encrypt(passphrase, text, iv, &wire, NULL) == SH_OK &&
                  sh_netalertx_push_write((sh_slice){wire.data, wire.len}, "/tmp/a", "SYNC", "node",
                                          &body) == SH_OK,
              "a push can be written");
    fuzz_must(sh_netalertx_push_read((sh_slice){body.data, body.len}, &push, NULL) == SH_OK,
              "what is written can be read");
    bool valid = false;
    fuzz_must(
        sh_netalertx_decrypt(passphrase, push.data, &plain, &valid, NULL) == SH_OK && valid &&
            sh_slice_equals((sh_slice){plain.data == NULL ? "" : plain.data, plain.len}, text),
        "what is sealed opens to the same");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = fuzz_copy(data, size);
    sh_slice text = {copy, size};
    read_body(text);
    decrypt(text);
    round_trip(text);
    free(copy);
    return 0;
}
