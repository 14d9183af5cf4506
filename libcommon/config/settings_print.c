/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/config/settings_print.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/duration.h"
#include "libcommon/base/limits.h"
#include "libcommon/config/settings_table.h"
#include "libcommon/json/json_write.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

#define HIDDEN "(hidden)"

/* The first password parameter in a URL's query, or NULL. */
static const char *find_query_password(const char *text)
{
    static const char *const names[] = {
        "?password=",    "&password=",          "?sslpassword=",
        "&sslpassword=", "?sentinel_password=", "&sentinel_password="};
    const char *first = NULL;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *found = strcasestr(text, names[i]);
        if (found != NULL && (first == NULL || found < first))
            first = found;
    }
    return first;
}

/* Appends text with the values of password parameters replaced. */
static sh_err redact_query(const char *text, sh_buf *ret)
{
    sh_err err = SH_OK;
    const char *found;
    while (err == SH_OK && (found = find_query_password(text)) != NULL) {
        const char *value = strchr(found, '=') + 1;
        err = sh_buf_append(ret, text, (size_t)(value - text));
        if (err == SH_OK)
            err = sh_buf_append_text(ret, HIDDEN);
        text = value + strcspn(value, "&");
    }
    return err == SH_OK ? sh_buf_append_text(ret, text) : err;
}

/*
 * Assumes that user and password end at the last '@', to hide even a password that is not
 * percent-encoded.
 */
sh_err sh_setting_redact(const char *text, sh_buf *ret)
{
    const char *scheme_end = strstr(text, "://");
    const char *at = strrchr(text, '@');
    if (scheme_end == NULL || at == NULL || at < scheme_end)
        return redact_query(text, ret);
    const char *user = scheme_end + 3;
    const char *colon = memchr(user, ':', (size_t)(at - user));
    if (colon == NULL)
        return redact_query(text, ret);
    sh_err err = sh_buf_append(ret, text, (size_t)(colon + 1 - text));
    if (err == SH_OK)
        err = sh_buf_append_text(ret, HIDDEN);
    return err == SH_OK ? redact_query(at, ret) : err;
}

static sh_err add_list(const sh_list *list, sh_buf *out)
{
    sh_err err = sh_buf_append_text(out, "[");
    for (size_t i = 0; i < list->count && err == SH_OK; i++) {
        if (i > 0)
            err = sh_buf_append_text(out, ",");
        if (err == SH_OK)
            err = sh_json_write_string(out, sh_slice_of(list->items[i]));
    }
    return err == SH_OK ? sh_buf_append_text(out, "]") : err;
}

static const char *choice_word(const sh_setting *row, int value)
{
    for (const sh_setting_choice *c = row->choices; c->word != NULL; c++) {
        if (c->value == value)
            return c->word;
    }
    return "";
}

sh_err sh_setting_print(const sh_setting *row, const sh_settings *settings, sh_buf *out)
{
    const void *field = sh_setting_field_const(row, settings);
    const char *text;
    char duration[SH_DURATION_BYTES];
    switch (row->kind) {
    case SH_SETTING_TEXT:
        return sh_buf_append_text(out, *(char *const *)field);
    case SH_SETTING_SECRET:
        text = *(char *const *)field;
        return sh_buf_append_text(out, text[0] == '\0' ? "(not set)" : HIDDEN);
    case SH_SETTING_URL:
        return sh_setting_redact(*(char *const *)field, out);
    case SH_SETTING_BOOLEAN:
        return sh_buf_append_text(out, *(const bool *)field ? "True" : "False");
    case SH_SETTING_NUMBER:
        return sh_buf_append_format(out, "%" PRId64, *(const int64_t *)field);
    case SH_SETTING_DURATION:
        sh_duration_write(*(const int64_t *)field, duration);
        return sh_buf_append_text(out, duration);
    case SH_SETTING_CHOICE:
        return sh_buf_append_text(out, choice_word(row, *(const int *)field));
    case SH_SETTING_LIST:
        return add_list(field, out);
    }
    return SH_OK;
}

sh_err sh_settings_print(const sh_settings *settings, int program, FILE *out)
{
    for (size_t i = 0; i < sh_setting_count; i++) {
        const sh_setting *row = &sh_setting_table[i];
        SH_CLEANUP(sh_buf_reset) sh_buf line = SH_BUF_INIT(SH_CONFIG_FILE_MAX);
        if ((row->programs & program) == 0)
            continue;
        sh_err err = sh_buf_append_format(&line, "%s=", row->name);
        if (err == SH_OK)
            err = sh_setting_print(row, settings, &line);
        if (err == SH_OK)
            err =
                sh_buf_append_format(&line, " (from %s)\n", sh_origin_names[settings->origins[i]]);
        if (err != SH_OK)
            return err;
        if (fwrite(line.data, 1, line.len, out) != line.len)
            return SH_E_IO;
    }
    return fflush(out) == 0 ? SH_OK : SH_E_IO;
}

/* Prints the valid values of a setting, unless it can be any text. */
static void print_valid_values(const sh_setting *row, FILE *out)
{
    char least[SH_DURATION_BYTES], largest[SH_DURATION_BYTES];
    switch (row->kind) {
    case SH_SETTING_BOOLEAN:
        (void)fputs("; True or False", out);
        break;
    case SH_SETTING_NUMBER:
        (void)fprintf(out, "; %" PRId64 " to %" PRId64, row->min, row->max);
        break;
    case SH_SETTING_DURATION:
        sh_duration_write(row->min, least);
        sh_duration_write(row->max, largest);
        (void)fprintf(out, "; %s to %s", least, largest);
        break;
    case SH_SETTING_CHOICE:
        for (const sh_setting_choice *c = row->choices; c->word != NULL; c++)
            (void)fprintf(out, "%s%s",
                          c == row->choices   ? "; "
                          : c[1].word == NULL ? " or "
                                              : ", ",
                          c->word);
        break;
    default:
        break;
    }
}

void sh_settings_help(int program, FILE *out)
{
    for (size_t i = 0; i < sh_setting_count; i++) {
        const sh_setting *row = &sh_setting_table[i];
        if ((row->programs & program) == 0)
            continue;
        (void)fprintf(out, "  %s%s%s%s%s%s\n      %s", row->name, row->alias == NULL ? "" : " or ",
                      row->alias == NULL ? "" : row->alias,
                      row->fallback[0] == '\0' ? "" : " (default: ", row->fallback,
                      row->fallback[0] == '\0' ? "" : ")", row->help);
        print_valid_values(row, out);
        (void)fputc('\n', out);
    }
    (void)fputs("\nNAME_FILE names a file that contains the value of NAME.\n", out);
}
