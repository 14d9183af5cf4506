/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/ingest/netalertx_payload.h"

#include "libcommon/netalertx/netalertx_cipher.h"
#include "libcommon/netalertx/plugin_lines.h"
#include "libcommon/netalertx/table_scan.h"
#include "receiver/ingest/text_survey.h"

/*
 * Only a text without invalid bytes is parsed, which takes a time that depends on its content.
 * Altered blocks hardly ever decrypt to such a text.
 */
static bool check_text(sh_kind kind, sh_slice text, bool decrypted)
{
    sh_text_traits traits = sh_text_survey(text);
    bool clean = decrypted & traits.utf8 & !traits.nul;
    if (kind == SH_KIND_DEVICES)
        clean &= !traits.control;
    if (clean && kind == SH_KIND_DEVICES)
        return sh_table_check_constant_time(text.data, text.len, NULL) == SH_OK;
    sh_table_check_dummy(text.data, text.len);
    return clean && sh_plugin_text_check(text.data, text.len, NULL) == SH_OK;
}

sh_err netalertx_payload_open(sh_slice passphrase, netalertx_payload *payload, sh_error *error)
{
    bool decrypted = false;
    sh_buf *text = payload->text;
    payload->valid = false;
    sh_buf_clear(text);
    sh_err err = sh_netalertx_decrypt(passphrase, payload->data, text, &decrypted, error);
    if (err == SH_OK)
        payload->valid = check_text(
            payload->kind, (sh_slice){text->data == NULL ? "" : text->data, text->len}, decrypted);
    return err;
}
