/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/config/settings_value.h"

#include "libcommon/base/buffer.h"
#include "libcommon/base/cleanup.h"
#include "libcommon/base/duration.h"
#include "libcommon/base/limits.h"
#include "libcommon/base/text.h"
#include "libcommon/base/value_hint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN_MAX 120 /* bytes of an invalid value that a message repeats */

void sh_setting_replace_text(char **field, char *text)
{
    if (*field != NULL)
        explicit_bzero(*field, strlen(*field));
    free(*field);
    *field = text;
}

static sh_err store_text(char **field, const char *text, sh_error *error)
{
    char *copy = strdup(text);
    if (copy == NULL)
        return sh_fail(error, SH_E_MEMORY, "out of memory");
    sh_setting_replace_text(field, copy);
    return SH_OK;
}

static sh_err store_boolean(bool *field, const char *text, sh_error *error)
{
    static const char *const words[] = {"False", "True", "0", "1", "no", "yes", "off", "on"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (sh_text_equals_ignoring_case(text, words[i])) {
            *field = i % 2 == 1;
            return SH_OK;
        }
    }
    return sh_fail(error, SH_E_CONFIG, "use True or False");
}

static sh_err store_number(const sh_setting *row, int64_t *field, const char *text, sh_error *error)
{
    uint64_t number;
    if (!sh_text_to_u64(sh_slice_of(text), (uint64_t)row->max, &number) ||
        (int64_t)number < row->min)
        return sh_fail(error, SH_E_CONFIG, "use a whole number from %lld to %lld",
                       (long long)row->min, (long long)row->max);
    *field = (int64_t)number;
    return SH_OK;
}

static sh_err store_duration(const sh_setting *row, int64_t *field, const char *text,
                             sh_error *error)
{
    char least[SH_DURATION_BYTES], largest[SH_DURATION_BYTES];
    int64_t ms;
    if (!sh_duration_read(text, row->max, &ms) || ms / 1000 < row->min) {
        sh_duration_write(row->min, least);
        sh_duration_write(row->max, largest);
        return sh_fail(error, SH_E_CONFIG,
                       "use a duration from %s to %s, as in 90s, 15m, 12h or 7d", least, largest);
    }
    *field = ms / 1000;
    return SH_OK;
}

static sh_err store_choice(const sh_setting *row, int *field, const char *text, sh_error *error)
{
    char words[200] = "";
    size_t len = 0;
    for (const sh_setting_choice *c = row->choices; c->word != NULL; c++) {
        if (sh_text_equals_ignoring_case(text, c->word)) {
            *field = c->value;
            return SH_OK;
        }
        const char *between = len == 0 ? "" : c[1].word == NULL ? " or " : ", ";
        int n = snprintf(words + len, sizeof words - len, "%s%s", between, c->word);
        len += n > 0 && (size_t)n < sizeof words - len ? (size_t)n : 0;
    }
    return sh_fail(error, SH_E_CONFIG, "use %s", words);
}

static sh_err store_list(sh_list *field, const char *text, sh_error *error)
{
    sh_list list = {0};
    sh_err err = sh_list_read(sh_slice_of(text), &list, error);
    if (err != SH_OK)
        return err;
    sh_list_reset(field);
    *field = list;
    return SH_OK;
}

sh_err sh_setting_parse(const sh_setting *row, sh_settings *settings, const char *text,
                        sh_error *error)
{
    void *field = sh_setting_field(row, settings);
    sh_err err = SH_OK;
    switch (row->kind) {
    case SH_SETTING_TEXT:
    case SH_SETTING_SECRET:
    case SH_SETTING_URL:
        err = store_text(field, text, error);
        break;
    case SH_SETTING_BOOLEAN:
        err = store_boolean(field, text, error);
        break;
    case SH_SETTING_NUMBER:
        err = store_number(row, field, text, error);
        break;
    case SH_SETTING_DURATION:
        err = store_duration(row, field, text, error);
        break;
    case SH_SETTING_CHOICE:
        err = store_choice(row, field, text, error);
        break;
    case SH_SETTING_LIST:
        err = store_list(field, text, error);
        break;
    }
    if (err == SH_OK && row->check != NULL)
        err = row->check(settings, error);
    return err;
}

/* Fails with the setting's name, its value unless that can be secret, and the reason. */
static sh_err fail_bad_value(const sh_setting *row, const char *text, const char *why,
                             sh_error *error)
{
    char hint[SH_VALUE_HINT_BYTES] = "";
    const char *between = sh_value_hint(text, hint) ? "; " : "";
    SH_CLEANUP(sh_buf_reset) sh_buf shown = SH_BUF_INIT(2 * SH_SETTING_MAX);
    bool hidden = row->kind == SH_SETTING_SECRET ||
                  (row->kind == SH_SETTING_URL && strpbrk(text, "@?=") != NULL) ||
                  sh_setting_redact(text, &shown) != SH_OK;
    if (hidden)
        return sh_fail(error, SH_E_CONFIG, "%s holds a bad value (not shown): %s%s%s", row->name,
                       why, between, hint);
    return sh_fail(error, SH_E_CONFIG, "%s holds '%.*s'%s: %s%s%s", row->name, SHOWN_MAX,
                   shown.data, shown.len > SHOWN_MAX ? "…" : "", why, between, hint);
}

static void trim(char *text)
{
    sh_slice inner = sh_slice_trim(sh_slice_of(text));
    memmove(text, inner.data, inner.len);
    text[inner.len] = '\0';
}

/* Warns about a text that is valid but looks like a mistake. */
static sh_err warn_about_value(const sh_setting *row, sh_settings *settings,
                               const sh_source_value *value)
{
    char hint[SH_VALUE_HINT_BYTES];
    if (value->had_cr) {
        sh_err err = sh_settings_add_warning(
            settings,
            "%s ends with a carriage return, which is ignored: its file has Windows line endings",
            row->name);
        if (err != SH_OK)
            return err;
    }
    bool is_text = row->kind == SH_SETTING_TEXT || row->kind == SH_SETTING_SECRET ||
                   row->kind == SH_SETTING_URL;
    if (!is_text || value->from_app_conf || !sh_value_hint(value->text, hint))
        return SH_OK;
    return sh_settings_add_warning(settings, "%s is used as written, but %s", row->name, hint);
}

sh_err sh_setting_set(const sh_setting *row, sh_settings *settings, sh_source_value *value,
                      sh_error *error)
{
    sh_error why = {0};
    if (value->is_list && row->kind != SH_SETTING_LIST)
        return sh_fail(error, SH_E_CONFIG, "%s holds a list; use a single value", row->name);
    if (row->kind == SH_SETTING_BOOLEAN || row->kind == SH_SETTING_NUMBER ||
        row->kind == SH_SETTING_DURATION || row->kind == SH_SETTING_CHOICE)
        trim(value->text);
    sh_err err = sh_setting_parse(row, settings, value->text, &why);
    if (err == SH_OK)
        err = warn_about_value(row, settings, value);
    if (err == SH_E_MEMORY)
        return sh_fail(error, err, "out of memory");
    return err == SH_OK ? SH_OK : fail_bad_value(row, value->text, why.message, error);
}
