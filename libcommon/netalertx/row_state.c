/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/netalertx/row_state.h"

#include "libcommon/json/json_scan.h"

#include <stdlib.h>
#include <string.h>

#define NUMBER_BYTES 32 /* a longer one cannot be 1 in practice */

sh_row_present sh_row_present_read(sh_slice value)
{
    char number[NUMBER_BYTES];
    char *end = NULL;
    if (sh_slice_equals(value, SH_SLICE("1")) || sh_slice_equals(value, SH_SLICE("true")))
        return SH_ROW_PRESENT_YES;
    if (value.len == 0 || value.len >= sizeof number || sh_slice_equals(value, SH_SLICE("0")))
        return SH_ROW_PRESENT_NO;
    memcpy(number, value.data, value.len);
    number[value.len] = '\0';
    return strtod(number, &end) == 1.0 && *end == '\0' ? SH_ROW_PRESENT_YES : SH_ROW_PRESENT_NO;
}

static bool is_text_or_number(const sh_json_scan_member *member)
{
    return member->type == SH_JSON_SCAN_STRING || member->type == SH_JSON_SCAN_NUMBER;
}

static sh_err read_member(void *context, const sh_json_scan_member *member, sh_error *error)
{
    sh_row_state *state = context;
    sh_slice text = is_text_or_number(member) ? member->value : SH_SLICE("");
    (void)error;
    if (sh_json_scan_key_is(member, "devPresentLastScan")) {
        bool scalar = is_text_or_number(member) || member->type == SH_JSON_SCAN_BOOLEAN;
        state->present = sh_row_present_read(scalar ? member->value : SH_SLICE(""));
    } else if (sh_json_scan_key_is(member, "devLastIP")) {
        state->last_ip = text;
    } else if (sh_json_scan_key_is(member, "devLastConnection")) {
        state->last_connection = text;
    } else if (sh_json_scan_key_is(member, "present")) {
        state->unclear = sh_slice_equals(text, SH_SLICE("unknown"));
    }
    return SH_OK;
}

sh_err sh_row_state_complete(sh_slice row, sh_row_state *state, sh_error *error)
{
    bool says_no = state->present == SH_ROW_PRESENT_NO && state->has_present_key;
    if (!state->unclear && !says_no)
        return SH_OK;
    sh_row_state read = {.present = SH_ROW_PRESENT_MISSING};
    sh_error reason = {0};
    sh_err err = sh_json_scan_lenient(row, read_member, &read, &reason);
    if (err == SH_E_MEMORY)
        return sh_fail(error, err, "%s", reason.message);
    state->unclear = false;
    if (err != SH_OK)
        return SH_OK;
    *state = read;
    if (read.unclear && read.present != SH_ROW_PRESENT_YES)
        state->present = SH_ROW_PRESENT_UNKNOWN;
    state->unclear = false;
    return SH_OK;
}
