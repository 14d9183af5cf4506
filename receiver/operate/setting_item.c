/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/limits.h"
#include "libcommon/config/settings_made_on_hub.h"
#include "libcommon/json/json_write.h"
#include "receiver/operate/json_time.h"
#include "receiver/operate/setting_list.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const struct {
    int bit;
    const char *name;
} programs[] = {
    {SH_FOR_RECEIVER, "receiver"}, {SH_FOR_PULLER, "puller"}, {SH_FOR_PUSHER, "pusher"}};
#define PROGRAMS 3

static int bit_of(const setting_program *p)
{
    for (size_t i = 0; i < PROGRAMS; i++)
        if (strcmp(programs[i].name, p->program) == 0)
            return programs[i].bit;
    return 0;
}

/* A text of what a program reports of a setting; NULL if it does not. */
static const char *reported(const setting_program *p, const sh_setting *row, const char *key)
{
    const sh_json *all = sh_json_member(p->report, "settings");
    for (size_t i = 0; i < sh_json_count(all); i++) {
        const sh_json *one = sh_json_at(all, i);
        const sh_json *name = sh_json_member(one, "name");
        const sh_json *value = sh_json_member(one, key);
        if (name != NULL && sh_json_kind_of(name) == SH_JSON_STRING &&
            strcmp(sh_json_text(name).data, row->name) == 0)
            return value != NULL && sh_json_kind_of(value) == SH_JSON_STRING
                       ? sh_json_text(value).data
                       : NULL;
    }
    return NULL;
}

static bool is_pin(const char *origin)
{
    return origin != NULL && (strcmp(origin, sh_origin_names[SH_ORIGIN_ENVIRONMENT]) == 0 ||
                              strcmp(origin, sh_origin_names[SH_ORIGIN_FILE]) == 0);
}

/* A program that has the setting from its environment or a file; otherwise any that has it. */
static const setting_program *program_with(const setting_list *l, const sh_setting *row)
{
    const setting_program *any = NULL;
    int users = row->hub != 0 ? row->hub : row->programs;
    for (size_t i = 0; i < l->programs_count; i++) {
        const setting_program *p = &l->programs[i];
        const char *origin = (bit_of(p) & users) != 0 ? reported(p, row, "origin") : NULL;
        if (is_pin(origin))
            return p;
        if (any == NULL && origin != NULL)
            any = p;
    }
    return any;
}

static int users_of(const sh_setting *row)
{
    int users = 0;
    for (size_t i = 0; i < sh_setting_count; i++)
        if (strcmp(sh_setting_table[i].name, row->name) == 0)
            users |= sh_setting_table[i].programs;
    return users;
}

static void explain(setting_item *item, const setting_program *pin)
{
    const sh_setting *row = item->row;
    if (row->programs == SH_FOR_PUSHER)
        (void)snprintf(item->reason, sizeof item->reason,
                       "Each node has its own: set it in the environment of the node's pusher, or "
                       "in the NetAlertX there.");
    else if (row->kind == SH_SETTING_SECRET && (row->programs & SH_FOR_PUSHER) != 0)
        (void)snprintf(item->reason, sizeof item->reason,
                       "Hub and nodes must change it together, in the environment of each. To "
                       "change it for one node at a time, give nodes credentials of their own: "
                       "`synchub-receiver node add`, later `node rotate`.");
    else if (row->hub == 0)
        (void)snprintf(item->reason, sizeof item->reason,
                       "The programs need it at their start: set it in their environment and "
                       "start them again.");
    else if (pin != NULL && pin->is_here)
        (void)snprintf(item->reason, sizeof item->reason,
                       "It is set in the %s of this receiver, which has precedence: remove it "
                       "there to set it on the hub.",
                       item->origin);
    else if (pin != NULL)
        (void)snprintf(item->reason, sizeof item->reason,
                       "It is set in the %s of the %s on %s, which has precedence: remove it there "
                       "to set it on the hub.",
                       item->origin, pin->program, pin->host);
}

static const stored_setting *find_stored(const setting_list *l, const sh_setting *row)
{
    for (size_t i = 0; i < l->stored_count; i++)
        if (strcmp(l->stored[i].name, row->name) == 0)
            return &l->stored[i];
    return NULL;
}

void setting_item_of(const setting_list *l, const sh_setting *row, setting_item *ret)
{
    const setting_program *p = program_with(l, row);
    const char *origin = p == NULL ? NULL : reported(p, row, "origin");
    bool pinned = is_pin(origin);
    *ret = (setting_item){.row = row, .users = users_of(row), .made = find_stored(l, row)};
    ret->changeable = row->hub != 0 && !pinned;
    if (row->programs == SH_FOR_PUSHER) {
        ret->origin = "node";
    } else if (ret->changeable) {
        ret->value = ret->made == NULL ? row->fallback : ret->made->value;
        ret->origin = sh_origin_names[ret->made == NULL ? SH_ORIGIN_DEFAULT : SH_ORIGIN_HUB];
    } else {
        ret->value = p == NULL ? row->fallback : reported(p, row, "value");
        ret->origin = origin == NULL ? sh_origin_names[SH_ORIGIN_DEFAULT] : origin;
    }
    if (row->kind == SH_SETTING_SECRET) {
        ret->is_set = is_pin(ret->origin);
        ret->value = NULL;
    }
    if (!ret->changeable)
        explain(ret, pinned ? p : NULL);
}

/* --- JSON ------------------------------------------------------------------------------------ */

static const char *kind_of(const sh_setting *row)
{
    static const char *const names[] = {
        [SH_SETTING_TEXT] = "text",     [SH_SETTING_SECRET] = "secret",
        [SH_SETTING_URL] = "text",      [SH_SETTING_BOOLEAN] = "boolean",
        [SH_SETTING_NUMBER] = "number", [SH_SETTING_DURATION] = "duration",
        [SH_SETTING_CHOICE] = "choice", [SH_SETTING_LIST] = "list",
    };
    return names[row->kind];
}

static sh_err add_text(sh_buf *json, const char *key, const char *text)
{
    if (text != NULL)
        return sh_json_write_member_text(json, key, text);
    return sh_buf_append_format(json, ",\"%s\":null", key);
}

/* What may be set: choices without other words for the same, limits of a number. */
static sh_err add_values(sh_buf *json, const sh_setting *row)
{
    sh_err err = sh_buf_append_text(json, ",\"choices\":[");
    const sh_setting_choice *before = NULL;
    if (err == SH_OK && row->kind == SH_SETTING_BOOLEAN)
        err = sh_buf_append_text(json, "\"True\",\"False\"");
    for (const sh_setting_choice *c = row->choices; c != NULL && c->word != NULL && err == SH_OK;
         before = c++)
        err = sh_buf_append_format(json, "%s\"%s\"", before == NULL ? "" : ",", c->word);
    if (err == SH_OK && row->kind == SH_SETTING_NUMBER)
        return sh_buf_append_format(json, "],\"min\":%" PRId64 ",\"max\":%" PRId64, row->min,
                                    row->max);
    return err == SH_OK ? sh_buf_append_text(json, "],\"min\":null,\"max\":null") : err;
}

static sh_err add_users(sh_buf *json, int users)
{
    sh_err err = sh_buf_append_text(json, ",\"used_by\":[");
    bool first = true;
    for (size_t i = 0; i < PROGRAMS && err == SH_OK; i++) {
        if ((users & programs[i].bit) == 0)
            continue;
        err = sh_buf_append_format(json, "%s\"%s\"", first ? "" : ",", programs[i].name);
        first = false;
    }
    return err == SH_OK ? sh_buf_append_text(json, "]") : err;
}

static sh_err add_program(sh_buf *json, const setting_program *p, const sh_setting *row)
{
    sh_err err = sh_buf_append_text(json, "{");
    if (err == SH_OK)
        err = sh_json_write_member_text(json, "program", p->program);
    if (err == SH_OK)
        err = add_text(json, "role", p->role[0] == '\0' ? NULL : p->role);
    if (err == SH_OK)
        err = sh_json_write_member_text(json, "host", p->host);
    if (err == SH_OK)
        err = sh_json_write_member_text(json, "version", p->version);
    if (err == SH_OK)
        err = add_text(json, "value",
                       row->kind == SH_SETTING_SECRET ? NULL : reported(p, row, "value"));
    if (err == SH_OK)
        err = add_text(json, "origin", reported(p, row, "origin"));
    if (err == SH_OK)
        err = sh_json_write_member_integer(json, "age_s", p->age_s);
    return err == SH_OK ? sh_buf_append_text(json, "}") : err;
}

static sh_err add_programs(sh_buf *json, const setting_list *l, const sh_setting *row)
{
    sh_err err = sh_buf_append_text(json, ",\"programs\":");
    if (err == SH_OK && !l->has_redis)
        return sh_buf_append_text(json, "null");
    if (err == SH_OK)
        err = sh_buf_append_text(json, "[");
    bool first = true;
    for (size_t i = 0; i < l->programs_count && err == SH_OK; i++) {
        const setting_program *p = &l->programs[i];
        if (p->is_here || reported(p, row, "origin") == NULL)
            continue;
        err = first ? SH_OK : sh_buf_append_text(json, ",");
        first = false;
        if (err == SH_OK)
            err = add_program(json, p, row);
    }
    return err == SH_OK ? sh_buf_append_text(json, "]") : err;
}

sh_err setting_json_append(sh_buf *json, const setting_list *l, const sh_setting *row)
{
    setting_item item;
    setting_item_of(l, row, &item);
    const struct {
        const char *key, *text;
    } texts[] = {
        {"title", setting_title(row)},
        {"help", row->help},
        {"kind", kind_of(row)},
        {"default", row->fallback},
        {"value", item.value},
        {"origin", item.origin},
        {"hub_value", item.made == NULL ? NULL : item.made->value},
        {"reason", item.changeable ? NULL : item.reason},
    };
    sh_err err = sh_buf_append_text(json, "{");
    if (err == SH_OK)
        err = sh_json_write_member_text(json, "name", row->name);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0] && err == SH_OK; i++)
        err = add_text(json, texts[i].key, texts[i].text);
    if (err == SH_OK)
        err =
            json_time_write(json, "hub_changed_at", item.made == NULL ? 0 : item.made->changed_ms);
    if (err == SH_OK)
        err = sh_buf_append_format(json, ",\"is_set\":%s,\"changeable\":%s",
                                   item.is_set || row->kind != SH_SETTING_SECRET ? "true" : "false",
                                   item.changeable ? "true" : "false");
    if (err == SH_OK)
        err = add_values(json, row);
    if (err == SH_OK)
        err = add_users(json, item.users);
    if (err == SH_OK)
        err = add_programs(json, l, row);
    return err == SH_OK ? sh_buf_append_text(json, "}") : err;
}
