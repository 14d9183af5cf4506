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

/* The table of settings that drives loading, validation, printing, help and the list of settings.
 */

#define SH_CONSOLE_LISTEN "127.0.0.1:20214"

typedef enum {
    SH_SETTING_TEXT,     /* char * */
    SH_SETTING_SECRET,   /* char *, never printed */
    SH_SETTING_URL,      /* char *, printed without its password */
    SH_SETTING_BOOLEAN,  /* bool */
    SH_SETTING_NUMBER,   /* int64_t, from min to max */
    SH_SETTING_DURATION, /* int64_t, seconds from min to max */
    SH_SETTING_CHOICE,   /* int, the value of one of choices */
    SH_SETTING_LIST,     /* sh_list */
} sh_setting_kind;

typedef struct {
    const char *word;
    int value;
} sh_setting_choice;

typedef enum {
    SH_ORIGIN_DEFAULT,
    SH_ORIGIN_ENVIRONMENT,
    SH_ORIGIN_FILE, /* X_FILE or SYNC_config_file */
    SH_ORIGIN_HUB,  /* made on the hub, see settings_made_on_hub.h */
} sh_origin;

extern const char *const sh_origin_names[]; /* `default` … */

typedef struct {
    const char *name;
    const char *alias; /* or NULL */
    int programs;      /* SH_FOR_… mask; a name can have a row for each program */
    sh_setting_kind kind;
    size_t offset;        /* of its field in sh_settings */
    const char *fallback; /* the default, as text; "" for none */
    int64_t min, max;
    const sh_setting_choice *choices; /* ends with {NULL}; the first word of a value is printed */
    /* Validates, and may normalize, the value just stored in *settings. May be NULL. */
    sh_err (*check)(sh_settings *settings, sh_error *error);
    const char *help;
    bool probe;             /* read by a health check */
    const char *credential; /* name of the systemd credential with the value, or NULL */
    int hub;                /* programs for which it can be set on the hub, or 0 */
} sh_setting;

extern const sh_setting sh_setting_table[];
extern const size_t sh_setting_count;

/* The row with this name or alias, in any case, for any of these programs, or NULL. */
const sh_setting *sh_setting_find(const char *name, int programs);

/* The row's field in *settings; its type depends on the row's kind. */
void *sh_setting_field(const sh_setting *row, sh_settings *settings);
const void *sh_setting_field_const(const sh_setting *row, const sh_settings *settings);

/* Appends the row's value as it is printed: without secrets, a list as JSON. SH_E_LIMIT,
 * SH_E_MEMORY. */
sh_err sh_setting_print(const sh_setting *row, const sh_settings *settings, sh_buf *out);

/* Appends text, in which passwords of URLs are replaced. SH_E_LIMIT, SH_E_MEMORY. */
sh_err sh_setting_redact(const char *text, sh_buf *ret);

/*
 * The rows' check functions, in settings_check.c, settings_console.c and settings_nodes.c.
 * SH_E_CONFIG or SH_E_FORMAT; the message does not repeat the value.
 */
sh_err sh_check_run(sh_settings *settings, sh_error *error);
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
sh_err sh_check_console_listen(sh_settings *settings, sh_error *error);
sh_err sh_check_console_password(sh_settings *settings, sh_error *error);
sh_err sh_check_console_url(sh_settings *settings, sh_error *error);
sh_err sh_check_console_trusted_proxy(sh_settings *settings, sh_error *error);
sh_err sh_check_skip_macs(sh_settings *settings, sh_error *error);
sh_err sh_check_tls_cert(sh_settings *settings, sh_error *error);
sh_err sh_check_tls_key(sh_settings *settings, sh_error *error);
sh_err sh_check_tls_ca(sh_settings *settings, sh_error *error);

/* Validates the base URL of a hub or node and removes trailing slashes. SH_E_CONFIG. */
sh_err sh_check_base_url(sh_slice *url, sh_error *error);

/* The maximum length of a row's value in bytes. */
size_t sh_setting_max(const sh_setting *row);

/* The console of a role that has none by default is off, unless SYNC_console_listen is set. */
void sh_settings_choose_console(sh_settings *settings);
/* Checks that the settings a program requires are set. SH_E_CONFIG. */
sh_err sh_settings_require(const sh_settings *settings, int program, sh_error *error);
/* Adds warnings about settings that are valid but probably mistakes. SH_E_MEMORY. */
sh_err sh_settings_warn(sh_settings *settings, int program, const char *time_zone);

/* Adds a sentence to settings->warnings; ignores it over SH_LIST_MAX. SH_E_MEMORY. */
sh_err sh_settings_add_warning(sh_settings *settings, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
