/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_SETTING_LIST_H
#define RECEIVER_SETTING_LIST_H

#include "libcommon/base/buffer.h"
#include "libcommon/config/settings_table.h"
#include "libcommon/json/json_read.h"
#include "receiver/operate/hub_connections.h"

#include <stdbool.h>
#include <stdint.h>

/* All settings as a person sees them: what is in use, where it is from, and whether it can be
 * changed. */

/* A running program of the hub, as it reports itself. */
typedef struct {
    sh_json *report;
    const char *program, *role, *host, *version; /* borrowed from it */
    int64_t age_s;
    bool is_here; /* the program that asks, of which no report is read */
} setting_program;

typedef struct {
    char *name, *value;
    int64_t changed_ms;
} stored_setting;

typedef struct {
    setting_program *programs;
    size_t programs_count;
    stored_setting *stored; /* made on the hub */
    size_t stored_count;
    bool has_redis; /* otherwise only the program that asks is known */
} setting_list;

#define SETTING_REASON_BYTES 400

typedef struct {
    const sh_setting *row;
    int users;                  /* SH_FOR_… of the programs that use it */
    const char *value;          /* borrowed; NULL: secret, too long, or each node's own */
    bool is_set;                /* of a secret */
    const char *origin;         /* a word of sh_origin_names, or `node` */
    const stored_setting *made; /* made on the hub, or NULL */
    bool changeable;            /* on the hub; otherwise for this reason: */
    char reason[SETTING_REASON_BYTES];
} setting_item;

/*
 * Reads what was made on the hub and what programs report. settings are those of the caller's
 * process, which counts as running. Release *ret in any case.
 */
sh_err setting_list_read(const sh_settings *settings, const hub_connections *hub, setting_list *ret,
                         sh_error *error);
void setting_list_reset(setting_list *l);

/* The rows in the order in which they are shown: NetAlertX's, then the others by name. */
#define SETTING_ROWS_MAX SH_SETTING_ROWS_MAX
size_t setting_rows(const sh_setting *ret[static SETTING_ROWS_MAX]);
/* NetAlertX's title of a setting of its plugin, or NULL. */
const char *setting_title(const sh_setting *row);

/* The result borrows from the list. */
void setting_item_of(const setting_list *l, const sh_setting *row, setting_item *ret);

/* Appends a setting as a JSON object, with the programs that report it. SH_E_MEMORY, SH_E_LIMIT. */
sh_err setting_json_append(sh_buf *json, const setting_list *l, const sh_setting *row);
#define SETTING_JSON_MAX (24 * SH_MIB) /* of all settings */

#endif
