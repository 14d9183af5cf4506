/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/node_name.h"
#include "tests/fuzz/fuzz.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/native/envelope.h"
#include "libcommon/netalertx/plugin_lines.h"
#include "libcommon/netalertx/table_scan.h"

#include <stdlib.h>
#include <string.h>

/*
 * Envelopes: opens the input as it is, and again with valid magic, version, lengths, key id and
 * seal to reach the code after authentication. The second form uses the bytes after the names as
 * the compressed text.
 */

/* Offsets in the header: PROTOCOL.md, section 2. */
enum { AT_NODE_LEN = 6, AT_PLUGIN_LEN = 7, AT_KEY_ID = 32, AT_COMPRESSED_LEN = 84, AT_NONCE = 88 };

static const uint8_t *passphrase_key(void)
{
    static uint8_t key[SH_KEY_BYTES];
    static bool derived;
    if (!derived) {
        fuzz_assert(sh_crypto_init(NULL) == SH_OK, "there is randomness");
        fuzz_assert(sh_key_from_passphrase(SH_SLICE("correct horse battery staple"), key, NULL) ==
                        SH_OK,
                    "the key of the golden envelopes is derived");
        derived = true;
    }
    return key;
}

static sh_err open_envelope(sh_slice envelope)
{
    sh_envelope_header header;
    sh_node_key key;
    SH_CLEANUP(sh_buf_reset) sh_buf text = SH_BUF_INIT(SH_PLAIN_MAX);
    sh_error error = {0};
    sh_err err = sh_envelope_peek(envelope, &header, &error);
    if (err == SH_OK) {
        fuzz_assert(header.part < header.parts, "the part's number is valid");
        fuzz_assert(sh_node_name_check(sh_slice_of(header.node), NULL) == SH_OK,
                    "the node's name is valid");
        sh_node_key_derive(passphrase_key(), sh_slice_of(header.node), &key);
        err = sh_envelope_open(envelope, &header, &key, &text, &error);
    }
    fuzz_assert(err == error.code, "an error has a message");
    if (err != SH_OK)
        return err;
    fuzz_assert(text.len == header.plain_len, "the text has the length in the header");
    sh_slice plain = {text.data == NULL ? "" : text.data, text.len};
    if (header.kind == SH_KIND_DEVICES)
        (void)sh_table_check(plain.data, plain.len, NULL, NULL);
    else
        (void)sh_plugin_text_check(plain.data, plain.len, NULL);
    return SH_OK;
}

/* Turns the input into an authentic envelope; NULL if it is too short. The caller frees it. */
static uint8_t *seal_again(const uint8_t *data, size_t size)
{
    if (size < SH_ENVELOPE_FIXED_BYTES)
        return NULL;
    size_t names = (size_t)data[AT_NODE_LEN] + data[AT_PLUGIN_LEN];
    size_t clear_len = SH_ENVELOPE_FIXED_BYTES + names;
    if (size < clear_len || data[AT_NODE_LEN] > SH_NODE_NAME_MAX)
        return NULL;
    sh_node_key key;
    uint32_t compressed_len = (uint32_t)(size - clear_len);
    uint8_t *sealed = malloc(size + SH_TAG_BYTES);
    fuzz_assert(sealed != NULL, "malloc succeeds");
    memcpy(sealed, data, clear_len);
    memcpy(sealed, "SHUB\1", 5);
    for (unsigned i = 0; i < 4; i++)
        sealed[AT_COMPRESSED_LEN + i] = (uint8_t)(compressed_len >> (24 - 8 * i));
    sh_node_key_derive(passphrase_key(),
                       (sh_slice){(const char *)data + SH_ENVELOPE_FIXED_BYTES, data[AT_NODE_LEN]},
                       &key);
    memcpy(sealed + AT_KEY_ID, key.id, sizeof key.id);
    sh_aead_seal(key.seal, sealed + AT_NONCE, (sh_slice){(const char *)sealed, clear_len},
                 (sh_slice){(const char *)data + clear_len, compressed_len}, sealed + clear_len);
    return sealed;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = fuzz_copy(data, size);
    (void)open_envelope((sh_slice){copy, size});
    free(copy);
    uint8_t *sealed = seal_again(data, size);
    if (sealed != NULL) {
        sh_slice whole = {(const char *)sealed, size + SH_TAG_BYTES};
        fuzz_assert(open_envelope(whole) != SH_E_CRYPTO, "an authentic envelope opens");
        sealed[size] ^= 1; /* in the tag */
        fuzz_assert(open_envelope(whole) != SH_OK, "an altered envelope does not open");
    }
    free(sealed);
    return 0;
}
