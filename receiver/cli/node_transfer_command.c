/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/cli/node_transfer_command.h"

#include "libcommon/base/buffer.h"
#include "libcommon/os/file.h"
#include "libcommon/runtime/service.h"
#include "receiver/cli/show_output.h"
#include "receiver/operate/credential_transfer.h"

#include <stdio.h>
#include <string.h>

static sh_err print_text(void *context, sh_slice text, sh_error *error)
{
    (void)context, (void)error;
    (void)fwrite(text.data, 1, text.len, stdout);
    return SH_OK;
}

int node_export(const sh_settings *settings, int argc, char *const argv[])
{
    static const show_command command = {.name = "node export", .usage = NODE_EXPORT_USAGE};
    sh_error error = {.code = SH_OK};
    sh_err err = argc == 0 ? SH_OK
                           : sh_fail(&error, SH_E_CONFIG, "unknown argument '%s'; usage: %s",
                                     argv[0], command.usage);
    if (err == SH_OK)
        err = credentials_export(settings, print_text, NULL, &error);
    if (err == SH_OK)
        err = show_written(stdout, true, &error);
    return err == SH_OK ? SH_EXIT_DONE : show_failure(&command, &error, stderr);
}

static sh_err import_file(const sh_settings *settings, credential_import *in,
                          credential_imported *ret, sh_error *error)
{
    sh_buf file = SH_BUF_INIT(CREDENTIAL_TRANSFER_MAX);
    sh_err err = sh_file_read(in->source, &file, NULL, error);
    in->text = file.len > 0 ? (sh_slice){file.data, file.len} : SH_SLICE("");
    if (err == SH_OK)
        err = credentials_import(settings, in, ret, error);
    sh_buf_reset(&file);
    return err;
}

int node_import(const sh_settings *settings, int argc, char *const argv[])
{
    static const show_command command = {.name = "node import", .usage = NODE_IMPORT_USAGE};
    sh_error error = {.code = SH_OK};
    credential_import in = {.source = NULL};
    credential_imported done = {.stored = false};
    sh_err err = SH_OK;
    for (int i = 0; i < argc && err == SH_OK; i++) {
        if (strcmp(argv[i], "--replace") == 0)
            in.replaces = true;
        else if (argv[i][0] != '-' && in.source == NULL)
            in.source = argv[i];
        else
            err = sh_fail(&error, SH_E_CONFIG, "unknown argument '%s'; usage: %s", argv[i],
                          command.usage);
    }
    if (err == SH_OK && in.source == NULL)
        err = sh_fail(&error, SH_E_CONFIG, "the file is missing; usage: %s", command.usage);
    if (err == SH_OK)
        err = import_file(settings, &in, &done, &error);
    if (err == SH_OK) {
        (void)printf("imported %zu, kept %zu that exist here\n", done.imported, done.kept);
        err = show_written(stdout, true, &error);
    }
    return err == SH_OK ? SH_EXIT_DONE : show_failure(&command, &error, stderr);
}
