/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/crypto/compression.h"
#include "libcommon/crypto/crypto.h"
#include "libcommon/http/http_client.h"
#include "libcommon/http/http_server.h"
#include "libcommon/json/json_read.h"
#include "libcommon/netalertx/netalertx_cipher.h"
#include "libcommon/runtime/service_main.h"
#include "pusher/doctor.h"
#include "pusher/run.h"
#include "pusher/settings_check.h"
#include "pusher/spool_command.h"

#include <synchub_commit.h>

static sh_library_version *const libraries[] = {
    sh_http_client_library,
    sh_http_server_library,
    sh_json_library,
    sh_crypto_library,
    sh_compression_library,
    sh_netalertx_cipher_library,
    NULL,
};

static const sh_subcommand subcommands[] = {
    {.name = "doctor",
     .usage = "doctor [--json]",
     .help = "check files, spool, hub, token, key and clock, each with its remedy; exit code 3 if "
             "anything is wrong",
     .run = doctor_command,
     .needs_secrets = true},
    {.name = "spool list",
     .usage = "spool list [--json]",
     .help = "list the plugin results that wait for the hub or that it refused, with the reason",
     .run = spool_command_list},
    {.name = "spool retry",
     .usage = "spool retry ID... | --all [--json]",
     .help = "send refused results again; a running pusher does so within seconds",
     .run = spool_command_retry},
    {.name = "spool drop",
     .usage = "spool drop ID... | --all [--json]",
     .help = "delete results for good; --all deletes those that were refused",
     .run = spool_command_drop},
    {.name = NULL},
};

int main(int argc, char *argv[])
{
    static const sh_service service = {
        .name = "pusher",
        .summary = "sends this node's device table and plugin results to a hub",
        .program = SH_FOR_PUSHER,
        .subcommands = subcommands,
        .commit = SYNCHUB_COMMIT,
        .libraries = libraries,
        .check = pusher_check,
        .run = run_pusher,
        .reloads = true,
    };
    return sh_service_main(&service, argc, argv);
}
