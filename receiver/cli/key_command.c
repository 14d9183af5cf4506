/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/cli/key_command.h"

#include "libcommon/runtime/service.h"
#include "receiver/cli/show_output.h"
#include "receiver/merge/merge_key_check.h"

#include <stdio.h>

static sh_err adopt_key(const sh_settings *settings, sh_error *error)
{
    const sh_queue_options options = sh_queue_options_of(settings);
    hub_secrets keys;
    key_check check;
    store *s = NULL;
    sh_queue *queue = NULL;
    sh_err err = hub_secrets_init(settings, &keys, error);
    if (err != SH_OK)
        return err;
    key_check_init(&check, &keys);
    err = store_prepare(settings->db, error);
    if (err == SH_OK)
        err = store_open(settings->db, STORE_READ_WRITE, &s, error);
    if (err == SH_OK)
        err = sh_queue_open(&options, &queue, error);
    if (err == SH_OK)
        err = key_check_adopt(&check, s, queue, error);
    sh_queue_free(queue);
    store_close(s);
    hub_secrets_reset(&keys);
    return err;
}

int key_adopt(const sh_settings *settings, int argc, char *const argv[])
{
    static const show_command command = {.name = "key adopt", .usage = "key adopt"};
    sh_error error = {.code = SH_OK};
    show_options options;
    sh_err err = show_options_read(&command, argc, argv, &options, &error);
    if (err == SH_OK)
        err = adopt_key(settings, &error);
    if (err != SH_OK)
        return show_failure(&command, &error, stderr);
    (void)puts("This hub's SYNC_encryption_key is the one that is set here.");
    return SH_EXIT_DONE;
}
