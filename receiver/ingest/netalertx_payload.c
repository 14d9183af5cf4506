/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/ingest/netalertx_payload.h"

#include "libcommon/netalertx/netalertx_cipher.h"
#include "libcommon/netalertx/plugin_lines.h"
#include "libcommon/netalertx/table_scan.h"
#include "receiver/ingest/text_traits.h"

/*
 * Only a text without invalid bytes is parsed, which takes a time that depends on its content.
 * Altered blocks hardly ever decrypt to such a text.
 */
static void check_text(netalertx_payload *payload, sh_slice text, bool decrypted)
{
    sh_text_traits traits = sh_text_traits_of(text);
    bool devices = payload->kind == SH_KIND_DEVICES;
    bool clean = decrypted & traits.utf8 & !traits.nul;
    if (devices)
        clean &= !traits.control;
    if (clean && devices)
        payload->valid = sh_table_check_constant_time(text.data, text.len, NULL) == SH_OK;
    else
        sh_table_check_dummy(text.data, text.len);
    if (!clean || payload->valid)
        return;
    bool result = sh_plugin_text_check(text.data, text.len, NULL) == SH_OK;
    payload->valid = result && !devices;
    payload->ignored = result && devices;
}

sh_err netalertx_payload_open(sh_slice passphrase, netalertx_payload *payload, sh_error *error)
{
    bool decrypted = false;
    sh_buf *text = payload->text;
    payload->valid = false;
    payload->ignored = false;
    sh_buf_clear(text);
    sh_err err = sh_netalertx_decrypt(passphrase, payload->data, text, &decrypted, error);
    if (err == SH_OK)
        check_text(payload, (sh_slice){text->data == NULL ? "" : text->data, text->len}, decrypted);
    return err;
}
