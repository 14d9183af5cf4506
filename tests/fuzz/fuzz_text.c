/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/hex.h"
#include "libcommon/base/metrics.h"
#include "libcommon/base/node_name.h"
#include "libcommon/base/percent.h"
#include "libcommon/base/utf8.h"
#include "tests/fuzz/fuzz.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/limits.h"
#include "libcommon/crypto/crypto.h"
#include "libcommon/netalertx/mac.h"

#include <stdlib.h>
#include <string.h>

/* Small parsers: device keys, percent-encoding, base64, names, values of labels. */

static void read_mac(sh_slice text)
{
    sh_mac mac;
    sh_mac again;
    sh_error error = {0};
    sh_err err = sh_mac_read(text, &mac, &error);
    fuzz_assert(err == error.code, "an error has a message");
    if (err != SH_OK)
        return;
    fuzz_assert(mac.len > 0 && mac.len <= SH_MAC_MAX_BYTES && strlen(mac.text) == mac.len &&
                    sh_utf8_is_valid(mac.text, mac.len) && !sh_utf8_has_control(mac.text, mac.len),
                "a key is printable");
    fuzz_assert(sh_mac_read((sh_slice){mac.text, mac.len}, &again, NULL) == SH_OK &&
                    strcmp(mac.text, again.text) == 0,
                "normalization is idempotent");
}

static void percent(sh_slice text)
{
    SH_CLEANUP(sh_buf_reset) sh_buf decoded = SH_BUF_INIT(SH_MIB);
    SH_CLEANUP(sh_buf_reset) sh_buf encoded = SH_BUF_INIT(4 * SH_MIB);
    SH_CLEANUP(sh_buf_reset) sh_buf again = SH_BUF_INIT(SH_MIB);
    if (sh_percent_decode(text, &decoded) != SH_OK || decoded.data == NULL ||
        memchr(decoded.data, '\0', decoded.len) != NULL)
        return;
    fuzz_assert(sh_percent_encode(decoded.data, &encoded) == SH_OK &&
                    sh_percent_decode((sh_slice){encoded.data, encoded.len}, &again) == SH_OK &&
                    again.len == decoded.len && memcmp(again.data, decoded.data, again.len) == 0,
                "percent-encoding is reversible");
}

static void base64(sh_slice text)
{
    SH_CLEANUP(sh_buf_reset) sh_buf bytes = SH_BUF_INIT(SH_MIB);
    SH_CLEANUP(sh_buf_reset) sh_buf again = SH_BUF_INIT(4 * SH_MIB);
    if (sh_base64_decode(text, &bytes, NULL) == SH_OK)
        fuzz_assert(
            sh_base64_encode((sh_slice){bytes.data, bytes.len}, &again) == SH_OK &&
                sh_slice_equals((sh_slice){again.data == NULL ? "" : again.data, again.len}, text),
            "valid base64 is the only encoding of its bytes");
}

/* A label's value ends with its first quote that is not escaped, and is one line. */
static void label_value(sh_slice text)
{
    SH_CLEANUP(sh_buf_reset) sh_buf value = SH_BUF_INIT(4 * SH_MIB);
    if (sh_metric_append_label_value(text, &value) != SH_OK)
        return;
    size_t at = 1;
    while (at < value.len && value.data[at] != '"')
        at += value.data[at] == '\\' ? 2 : 1;
    fuzz_assert(at + 1 == value.len && memchr(value.data, '\n', value.len) == NULL &&
                    memchr(value.data, '\0', value.len) == NULL &&
                    sh_utf8_is_valid(value.data, value.len),
                "a label's value stays in its quotes");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = fuzz_copy(data, size);
    sh_slice text = {copy, size};
    uint8_t hex[SH_DIGEST_BYTES];
    uint64_t number;
    read_mac(text);
    percent(text);
    base64(text);
    label_value(text);
    if (sh_node_name_check(text, NULL) == SH_OK)
        fuzz_assert(size >= 1 && size <= SH_NODE_NAME_MAX && memchr(copy, '/', size) == NULL &&
                        memchr(copy, '\\', size) == NULL && memchr(copy, '\0', size) == NULL &&
                        sh_utf8_is_valid(copy, size),
                    "a node's name is not a path");
    if (sh_plugin_name_check(text, NULL) == SH_OK)
        fuzz_assert(size >= 1 && size <= SH_PLUGIN_NAME_MAX && memchr(copy, '.', size) == NULL,
                    "a plugin's name is not a path");
    (void)sh_hex_decode(text, hex, sizeof hex);
    (void)sh_text_to_u64(text, UINT64_MAX, &number);
    free(copy);
    return 0;
}
