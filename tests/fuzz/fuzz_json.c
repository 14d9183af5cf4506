/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/utf8.h"
#include "tests/fuzz/fuzz.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/limits.h"
#include "libcommon/json/json_read.h"
#include "libcommon/json/json_scan.h"
#include "libcommon/json/json_write.h"

#include <stdlib.h>
#include <string.h>

/* Compares the scan of an object with Jansson: members, types and texts match. */

typedef struct {
    const sh_json *object; /* NULL if Jansson rejects the text */
    size_t members;
} comparison;

static sh_err compare(void *context, const sh_json_scan_member *member, sh_error *error)
{
    (void)error;
    comparison *c = context;
    c->members++;
    SH_CLEANUP(sh_buf_reset) sh_buf key = SH_BUF_INIT(SH_MIB);
    sh_err read_key = sh_json_unescape(member->key, &key);
    if (c->object == NULL)
        return SH_OK;
    fuzz_assert(read_key == SH_OK, "a key that Jansson accepts can be unescaped");
    const char *name = key.data == NULL ? "" : key.data;
    const sh_json *seen = sh_json_member(c->object, name);
    fuzz_assert(seen != NULL, "each member of the scan is in Jansson's object");
    static const sh_json_scan_type types[] = {
        [SH_JSON_NULL] = SH_JSON_SCAN_NULL,    [SH_JSON_FALSE] = SH_JSON_SCAN_BOOLEAN,
        [SH_JSON_TRUE] = SH_JSON_SCAN_BOOLEAN, [SH_JSON_INTEGER] = SH_JSON_SCAN_NUMBER,
        [SH_JSON_REAL] = SH_JSON_SCAN_NUMBER,  [SH_JSON_STRING] = SH_JSON_SCAN_STRING,
        [SH_JSON_ARRAY] = SH_JSON_SCAN_ARRAY,  [SH_JSON_OBJECT] = SH_JSON_SCAN_OBJECT,
    };
    fuzz_assert(types[sh_json_kind_of(seen)] == member->type, "a member's type matches Jansson");
    if (member->type != SH_JSON_SCAN_STRING)
        return SH_OK;
    SH_CLEANUP(sh_buf_reset) sh_buf text = SH_BUF_INIT(SH_MIB);
    fuzz_assert(sh_json_unescape(member->value, &text) == SH_OK &&
                    sh_slice_equals((sh_slice){text.data == NULL ? "" : text.data, text.len},
                                    sh_json_text(seen)),
                "a member's text matches Jansson");
    return SH_OK;
}

/* Any bytes written as a string can be parsed. */
static void round_trip(sh_slice bytes)
{
    SH_CLEANUP(sh_buf_reset) sh_buf out = SH_BUF_INIT(8 * SH_MIB);
    SH_CLEANUP(sh_json_free_cleanup) sh_json *string = NULL;
    fuzz_assert(sh_json_write_string(&out, bytes) == SH_OK, "a string can be written");
    sh_err err = sh_json_parse(out.data, out.len, &string, NULL);
    bool has_nul = bytes.len > 0 && memchr(bytes.data, '\0', bytes.len) != NULL;
    fuzz_assert(has_nul || err == SH_OK, "a written string can be parsed");
    if (err == SH_OK && sh_utf8_is_valid(bytes.data, bytes.len))
        fuzz_assert(sh_slice_equals(sh_json_text(string), bytes),
                    "a written string is parsed to the same text");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = fuzz_copy(data, size);
    sh_slice text = {copy, size};
    SH_CLEANUP(sh_json_free_cleanup) sh_json *whole = NULL;
    comparison c = {0};
    sh_err parsed = sh_json_parse(copy, size, &whole, NULL);
    if (parsed == SH_OK && sh_json_kind_of(whole) == SH_JSON_OBJECT)
        c.object = whole;
    sh_error error = {0};
    sh_err err = sh_json_scan(text, compare, &c, &error);
    fuzz_assert(err == error.code, "an error has a message");
    if (c.object != NULL)
        fuzz_assert(err == SH_OK && c.members == sh_json_count(c.object),
                    "the scan accepts an object that Jansson accepts");
    else if (parsed == SH_OK)
        fuzz_assert(err == SH_E_FORMAT, "the scan rejects a value that is not an object");
    round_trip(text);
    SH_CLEANUP(sh_buf_reset) sh_buf unescaped = SH_BUF_INIT(SH_MIB);
    if (sh_json_unescape(text, &unescaped) == SH_OK)
        fuzz_assert(unescaped.len <= size, "an unescaped text is not longer");
    free(copy);
    return 0;
}
