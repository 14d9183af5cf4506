/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/cleanup.h"
#include "libcommon/config/settings.h"
#include "libcommon/config/settings_load.h"
#include "libcommon/native/envelope.h"
#include "libcommon/netalertx/app_conf_list.h"
#include "libcommon/netalertx/netalertx_cipher.h"
#include "libcommon/netalertx/netalertx_format.h"
#include "libcommon/os/file.h"
#include "tests/faults/inject.h"
#include "tests/unit/unit.h"

#include "tests/unit/pusher_folder.h"
#include <dirent.h>

static const char table[] = "{\"data\": [{\"devMac\": \"00:11:22:33:44:55\"}]}";
static uint8_t master[SH_KEY_BYTES];
static sh_node_key key;

static void nothing(void)
{
}

static sh_err seal(uint8_t id, sh_kind kind, sh_envelope_header *header, sh_buf *ret,
                   sh_error *error)
{
    *header = (sh_envelope_header){.kind = kind, .id = {id}, .parts = 1, .node = "N"};
    if (kind == SH_KIND_PLUGIN)
        (void)snprintf(header->plugin, sizeof header->plugin, "A");
    return sh_envelope_seal(header, &key, SH_SLICE(table), ret, error);
}

/* --- An envelope is sealed and opened ------------------------------------------------------- */

static sh_err envelope_act(sh_error *error)
{
    SH_CLEANUP(sh_buf_reset) sh_buf sealed = SH_BUF_INIT(SH_ENVELOPE_MAX);
    SH_CLEANUP(sh_buf_reset) sh_buf text = SH_BUF_INIT(SH_PLAIN_MAX);
    sh_envelope_header header;
    sh_err err = seal(1, SH_KIND_DEVICES, &header, &sealed, error);
    sh_slice envelope = {sealed.data, sealed.len};
    if (err == SH_OK)
        err = sh_envelope_peek(envelope, &header, error);
    if (err == SH_OK)
        err = sh_envelope_open(envelope, &header, &key, &text, error);
    if (err == SH_OK)
        assert_string_equal(text.data, table);
    return err;
}

static void an_envelope_is_sealed_and_opened(void **state)
{
    (void)state;
    faults_in_turn(&(scenario){.name = "envelope",
                               .kinds = FAULT_BIT(FAULT_ALLOC),
                               .begin = nothing,
                               .act = envelope_act,
                               .end = nothing});
}

/* --- A push in NetAlertX's format is written and read --------------------------------------- */

static sh_err netalertx_act(sh_error *error)
{
    SH_CLEANUP(sh_buf_reset) sh_buf wire = SH_BUF_INIT(10000);
    SH_CLEANUP(sh_buf_reset) sh_buf body = SH_BUF_INIT(10000);
    SH_CLEANUP(sh_buf_reset) sh_buf text = SH_BUF_INIT(10000);
    sh_netalertx_push push = {.data = {NULL, 0}};
    sh_slice passphrase = SH_SLICE("test-secret-key");
    sh_err err = sh_netalertx_encrypt(passphrase, SH_SLICE(table), NULL, &wire, error);
    if (err == SH_OK) {
        err = sh_netalertx_push_write((sh_slice){wire.data, wire.len}, "/t", "SYNC", "N\"", &body);
        if (err != SH_OK)
            (void)sh_fail(error, err, "the body could not be written");
    }
    if (err == SH_OK) {
        err = sh_netalertx_push_read((sh_slice){body.data, body.len}, &push, error);
        bool valid = false;
        if (err == SH_OK)
            err = sh_netalertx_decrypt(passphrase, push.data, &text, &valid, error);
        assert_true(valid || err != SH_OK);
        sh_netalertx_push_reset(&push);
    }
    if (err == SH_OK)
        assert_string_equal(text.data, table);
    else
        assert_int_equal(err, SH_E_MEMORY); /* never the peer's fault, so that it tries again */
    return err;
}

static void a_push_of_netalertx_is_written_and_read(void **state)
{
    (void)state;
    faults_in_turn(&(scenario){.name = "netalertx",
                               .kinds = FAULT_BIT(FAULT_ALLOC),
                               .begin = nothing,
                               .act = netalertx_act,
                               .end = nothing});
}

/* --- A file is replaced --------------------------------------------------------------------- */

static void file_begin(void)
{
    folder_put("file", "old content");
}

static sh_err file_act(sh_error *error)
{
    return sh_file_write(in_folder("file"), SH_SLICE("new content"), 0600, error);
}

static bool file_holds(const char *expected)
{
    SH_CLEANUP(sh_buf_reset) sh_buf content = SH_BUF_INIT(1000);
    assert_int_equal(sh_file_read(in_folder("file"), &content, NULL, NULL), SH_OK);
    return strcmp(content.data, expected) == 0;
}

static void file_check(void)
{
    assert_true(file_holds("old content") || file_holds("new content"));
    struct dirent **found = NULL;
    int count = scandir(folder, &found, NULL, alphasort);
    for (int i = 0; i < count; i++)
        free(found[i]);
    free(found);
    assert_int_equal(count, 3); /* ".", ".." and the file: nothing is left over */
}

static void file_end(void)
{
    assert_true(file_holds("new content"));
}

static void a_file_is_replaced_whole_or_not_at_all(void **state)
{
    (void)state;
    faults_in_turn(&(scenario){.name = "file",
                               .kinds = FAULT_BIT(FAULT_WRITE) | FAULT_BIT(FAULT_FSYNC) |
                                        FAULT_BIT(FAULT_RENAME),
                               .begin = file_begin,
                               .act = file_act,
                               .check = file_check,
                               .end = file_end});
}

/* --- Settings are loaded -------------------------------------------------------------------- */

static void settings_begin(void)
{
    folder_put("app.conf", "SYNC_node_name='N'\nSYNC_plugins=['A','B']\nTIMEZONE='x'\n");
    folder_put("key", "from a file\n");
}

static sh_err settings_act(sh_error *error)
{
    char conf[PATH_MAX], key_file[PATH_MAX];
    (void)snprintf(conf, sizeof conf, "SYNC_config_file=%s", in_folder("app.conf"));
    (void)snprintf(key_file, sizeof key_file, "SYNC_encryption_key_FILE=%s", in_folder("key"));
    char token[] = "API_TOKEN=t", devices[] = "SYNC_devices=True", unknown[] = "SYNC_x=1";
    char url[] = "SYNC_HUB_URL=http://127.0.0.1:1";
    char *environment[] = {conf, key_file, token, devices, unknown, url, NULL};
    sh_settings settings;
    sh_err err = sh_settings_load(SH_FOR_PUSHER, environment, &settings, error);
    if (err == SH_OK) {
        assert_string_equal(settings.node_name, "N");
        assert_string_equal(settings.encryption_key, "from a file");
        assert_int_equal(settings.plugins.count, 2);
        assert_true(settings.warnings.count > 0);
    }
    sh_settings_reset(&settings);
    return err;
}

static void settings_are_loaded_whole_or_refused(void **state)
{
    (void)state;
    faults_in_turn(&(scenario){.name = "settings",
                               .kinds = FAULT_BIT(FAULT_ALLOC) | FAULT_BIT(FAULT_READ),
                               .begin = settings_begin,
                               .act = settings_act,
                               .end = nothing});
}

static int start(void **state)
{
    (void)state;
    if (sh_crypto_init(NULL) != SH_OK)
        return 1;
    sh_node_key_derive(master, SH_SLICE("N"), &key);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_envelope_is_sealed_and_opened),
        cmocka_unit_test(a_push_of_netalertx_is_written_and_read),
        FOLDER_TEST(a_file_is_replaced_whole_or_not_at_all),
        FOLDER_TEST(settings_are_loaded_whole_or_refused),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
