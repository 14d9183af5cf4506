/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SETTINGS_SUPPORT_H
#define SETTINGS_SUPPORT_H

/* What the tests of the settings share: environments, files that settings name, and loading. */

#include "libcommon/base/limits.h"
#include "libcommon/config/settings.h"
#include "libcommon/config/settings_load.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define TOKEN "SYNC_api_token=a token of the tests"
#define KEY "SYNC_encryption_key=a passphrase of the tests"
#define PUSHES TOKEN, KEY, "SYNC_node_name=A", "SYNC_hub_url=http://hub:20212", "SYNC_devices=True"
#define ENVIRONMENT_MAX 16

typedef char *const *environment;
#define ENV(...) ((environment)(const char *const[ENVIRONMENT_MAX]){__VA_ARGS__})

/* --- Files that settings name ---------------------------------------------------------------- */

static char folder[] = "/tmp/synchub-test-settings-XXXXXX";

static inline int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) == NULL;
}

static inline const char *path_of(const char *name)
{
    static char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static inline void write_file(const char *name, const char *content, size_t len)
{
    FILE *f = fopen(path_of(name), "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(content, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
}

static inline void write_text(const char *name, const char *content)
{
    write_file(name, content, strlen(content));
}

/* `NAME=path of file`, for an environment; up to four at a time. */
static inline const char *naming(const char *name, const char *file)
{
    static char texts[4][256];
    static size_t next;
    char *text = texts[next++ % 4];
    (void)snprintf(text, sizeof texts[0], "%s=%s", name, path_of(file));
    return text;
}

static inline int remove_folder(void **state)
{
    (void)state;
    static const char *const names[] = {"token", "app.conf", "other", "list",
                                        "app_conf_override.json"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        (void)unlink(path_of(names[i]));
    return rmdir(folder);
}

/* --- Loading --------------------------------------------------------------------------------- */

static inline void load(int who, environment env, sh_settings *ret)
{
    sh_error error = {0};
    if (sh_settings_load(who, env, ret, &error) != SH_OK)
        fail_msg("%s", error.message);
}

static inline bool has_warning(const sh_settings *settings, const char *message)
{
    for (size_t i = 0; i < settings->warnings.count; i++) {
        if (strstr(settings->warnings.items[i], message) != NULL)
            return true;
    }
    return false;
}

static inline void check_refused(int who, environment env, const char *message)
{
    sh_settings settings;
    sh_error error = {0};
    if (sh_settings_load(who, env, &settings, &error) != SH_E_CONFIG)
        fail_msg("not refused: %s", message);
    if (strstr(error.message, message) == NULL)
        fail_msg("%s, not: %s", error.message, message);
    sh_settings_reset(&settings);
}

#endif
