/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_SETTINGS_TABLE_H
#define SH_SETTINGS_TABLE_H

#include "libcommon/base/buffer.h"
#include "libcommon/base/error.h"
#include "libcommon/base/text.h"
#include "libcommon/config/settings.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The one table that loading, checking, printing and help of the settings follow. For settings*.c.
 */

typedef enum {
    SH_SETTING_TEXT,    /* char * */
    SH_SETTING_SECRET,  /* char *, never shown */
    SH_SETTING_URL,     /* char *, shown without its password */
    SH_SETTING_BOOLEAN, /* bool */
    SH_SETTING_NUMBER,  /* int64_t, from min to max */
    SH_SETTING_CHOICE,  /* int, the value of one of choices */
    SH_SETTING_LIST,    /* sh_list */
} sh_setting_kind;

typedef struct {
    const char *word;
    int value;
} sh_setting_choice;

typedef enum {
    SH_ORIGIN_DEFAULT,
    SH_ORIGIN_ENVIRONMENT,
    SH_ORIGIN_FILE, /* X_FILE or SYNC_config_file */
} sh_origin;

typedef struct {
    const char *name;
    const char *alias; /* another name for it, or NULL */
    int who;           /* a name may have a row for each program */
    sh_setting_kind kind;
    size_t offset;        /* of its field in sh_settings */
    const char *fallback; /* the default, as text; "" for none */
    int64_t min, max;
    const sh_setting_choice *choices; /* ends with a word of NULL; the first of a value is shown */
    /* Judges the value that was just stored and may put it into its usual form. May be NULL. */
    sh_err (*check)(sh_settings *settings, sh_error *error);
    const char *help;
    bool probe;             /* a health check needs it, and reads no others */
    const char *credential; /* the systemd credential that may hold the value, or NULL */
} sh_setting;

extern const sh_setting sh_setting_table[];
extern const size_t sh_setting_count;

/* The row of a name (ignoring case, aliases included) for one of `who`, or NULL. */
const sh_setting *sh_setting_find(const char *name, int who);

/* The field of a row, as its kind says. */
void *sh_setting_field(const sh_setting *row, sh_settings *settings);
const void *sh_setting_field_const(const sh_setting *row, const sh_settings *settings);

/* Adds a URL or a list of them without what may be a password. SH_E_LIMIT, SH_E_MEMORY. */
sh_err sh_setting_redact(const char *text, sh_buf *ret);

/* settings_check.c and settings_nodes.c: the rows' checks. They tell why a value is bad, without
 * repeating it. */
sh_err sh_check_schedule(sh_settings *settings, sh_error *error);
sh_err sh_check_token(sh_settings *settings, sh_error *error);
sh_err sh_check_node_name(sh_settings *settings, sh_error *error);
sh_err sh_check_hub_url(sh_settings *settings, sh_error *error);
sh_err sh_check_plugins(sh_settings *settings, sh_error *error);
sh_err sh_check_nodes(sh_settings *settings, sh_error *error);
sh_err sh_check_redis_url(sh_settings *settings, sh_error *error);
sh_err sh_check_redis_prefix(sh_settings *settings, sh_error *error);
sh_err sh_check_db(sh_settings *settings, sh_error *error);
sh_err sh_check_listen(sh_settings *settings, sh_error *error);
sh_err sh_check_skip_macs(sh_settings *settings, sh_error *error);
sh_err sh_check_tls_cert(sh_settings *settings, sh_error *error);
sh_err sh_check_tls_key(sh_settings *settings, sh_error *error);
sh_err sh_check_tls_ca(sh_settings *settings, sh_error *error);

/* Checks the address of another program and leaves out slashes at its end. SH_E_CONFIG. */
sh_err sh_check_base_url(sh_slice *url, sh_error *error);

/* The longest value of a row, in bytes. */
size_t sh_setting_max(const sh_setting *row);

/* settings_require.c: what a program needs to work at all, and what it should be warned of. */
sh_err sh_settings_require(const sh_settings *settings, int who, sh_error *error);
sh_err sh_settings_warn(sh_settings *settings, int who, const char *time_zone);

/* Adds a sentence to settings->warnings. SH_E_MEMORY; over SH_LIST_MAX it is left out. */
sh_err sh_settings_add_warning(sh_settings *settings, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
