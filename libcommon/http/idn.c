/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/http/idn.h"

#include "libcommon/base/unicode.h"
#include "libcommon/base/utf8.h"

#include <string.h>

#define LABEL_MAX 63 /* characters of a label */

/* RFC 3492 section 5. */
enum { BASE = 36, T_MIN = 1, T_MAX = 26, SKEW = 38, DAMP = 700, BIAS = 72, FIRST = 0x80 };

static uint32_t adapt(uint32_t delta, uint32_t points, bool first)
{
    uint32_t k = 0;
    delta = first ? delta / DAMP : delta / 2;
    delta += delta / points;
    for (; delta > (BASE - T_MIN) * T_MAX / 2; k += BASE)
        delta /= BASE - T_MIN;
    return k + (BASE - T_MIN + 1) * delta / (delta + SKEW);
}

static sh_err add_digit(uint32_t digit, sh_buf *ret)
{
    char c = (char)(digit < 26 ? 'a' + digit : '0' + digit - 26);
    return sh_buf_append(ret, &c, 1);
}

/* Adds a number in digits whose weights depend on bias. */
static sh_err add_number(uint32_t number, uint32_t bias, sh_buf *ret)
{
    for (uint32_t k = BASE;; k += BASE) {
        uint32_t t = k <= bias ? T_MIN : k >= bias + T_MAX ? T_MAX : k - bias;
        if (number < t)
            return add_digit(number, ret);
        sh_err err = add_digit(t + (number - t) % (BASE - t), ret);
        if (err != SH_OK)
            return err;
        number = (number - t) / (BASE - t);
    }
}

typedef struct {
    uint32_t codes[LABEL_MAX];
    size_t count, basic; /* basic: those that are ASCII */
} label;

static sh_err read_label(sh_slice text, label *ret)
{
    ret->count = ret->basic = 0;
    for (size_t at = 0; at < text.len;) {
        uint32_t code;
        size_t used = sh_utf8_next((sh_slice){text.data + at, text.len - at}, &code);
        if (used == 0)
            return SH_E_FORMAT;
        if (ret->count == LABEL_MAX)
            return SH_E_LIMIT;
        at += used;
        ret->codes[ret->count] = sh_code_to_lower(code);
        ret->basic += ret->codes[ret->count++] < FIRST;
    }
    return SH_OK;
}

/* The smallest code that is not below n. There is one. */
static uint32_t next_code(const label *l, uint32_t n)
{
    uint32_t next = UINT32_MAX;
    for (size_t i = 0; i < l->count; i++)
        if (l->codes[i] >= n && l->codes[i] < next)
            next = l->codes[i];
    return next;
}

static sh_err add_label(const label *l, sh_buf *ret)
{
    sh_err err = l->basic < l->count ? sh_buf_append_text(ret, "xn--") : SH_OK;
    for (size_t i = 0; i < l->count && err == SH_OK; i++) {
        char c = (char)l->codes[i];
        if (l->codes[i] < FIRST)
            err = sh_buf_append(ret, &c, 1);
    }
    if (err == SH_OK && l->basic > 0 && l->basic < l->count)
        err = sh_buf_append_text(ret, "-");
    uint32_t delta = 0, bias = BIAS, n = FIRST;
    for (size_t done = l->basic; done < l->count && err == SH_OK; delta++, n++) {
        uint32_t next = next_code(l, n);
        delta += (next - n) * (uint32_t)(done + 1); /* 63 characters do not overflow it */
        n = next;
        for (size_t i = 0; i < l->count && err == SH_OK; i++) {
            delta += l->codes[i] < n;
            if (l->codes[i] != n)
                continue;
            err = add_number(delta, bias, ret);
            bias = adapt(delta, (uint32_t)(done + 1), done == l->basic);
            delta = 0;
            done++;
        }
    }
    return err;
}

sh_err sh_idn_to_ascii(sh_slice host, sh_buf *ret)
{
    for (size_t at = 0; at <= host.len;) {
        label l;
        const char *dot = at == host.len ? NULL : memchr(host.data + at, '.', host.len - at);
        size_t len = dot == NULL ? host.len - at : (size_t)(dot - host.data) - at;
        sh_err err = read_label((sh_slice){host.data + at, len}, &l);
        if (err == SH_OK)
            err = add_label(&l, ret);
        if (err == SH_OK && dot != NULL)
            err = sh_buf_append_text(ret, ".");
        if (err != SH_OK)
            return err;
        at += len + 1;
    }
    return SH_OK;
}
