/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/native/node_problem_header.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/percent.h"
#include "libcommon/base/utf8.h"

#include <string.h>

#define FORGET "forget" /* means something else among the reports in Redis (section 5) */

bool sh_node_problem_read(const char *value, sh_node_problem *ret)
{
    SH_CLEANUP(sh_buf_reset) sh_buf decoded = SH_BUF_INIT((size_t)4 * SH_PROBLEM_TEXT_MAX);
    size_t len = strspn(value, "abcdefghijklmnopqrstuvwxyz_");
    ret->kind[0] = '\0';
    ret->text[0] = '\0';
    if (len == 0 || len > SH_PROBLEM_KIND_MAX || value[len] != ' ' ||
        (len == strlen(FORGET) && memcmp(value, FORGET, len) == 0) ||
        sh_percent_decode(sh_slice_of(value + len + 1), &decoded) != SH_OK || decoded.len == 0 ||
        !sh_utf8_is_valid(decoded.data, decoded.len) ||
        memchr(decoded.data, '\0', decoded.len) != NULL)
        return false;
    size_t end = decoded.len < SH_PROBLEM_TEXT_MAX ? decoded.len : SH_PROBLEM_TEXT_MAX;
    while (end < decoded.len && end > 0 && ((uint8_t)decoded.data[end] & 0xc0) == 0x80)
        end--; /* a whole character */
    memcpy(ret->kind, value, len);
    ret->kind[len] = '\0';
    memcpy(ret->text, decoded.data, end);
    ret->text[end] = '\0';
    return true;
}

sh_err sh_node_problem_write(const char *kind, const char *text, sh_buf *ret)
{
    char cut[SH_PROBLEM_TEXT_MAX + 1];
    size_t len = 0;
    while (text[len] != '\0') {
        uint32_t code;
        size_t used = sh_utf8_next(sh_slice_of(text + len), &code);
        if (len + (used == 0 ? 1 : used) > SH_PROBLEM_TEXT_MAX)
            break;
        for (size_t i = 0; i < used; i++)
            cut[len + i] = text[len + i];
        if (used == 0) /* a path need not be UTF-8 */
            cut[len] = '?';
        len += used == 0 ? 1 : used;
    }
    cut[len] = '\0';
    sh_err err = sh_buf_append_format(ret, "%s ", kind);
    return err == SH_OK ? sh_percent_encode(cut, ret) : err;
}
