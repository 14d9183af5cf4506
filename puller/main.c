/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/crypto/certificate.h"
#include "libcommon/crypto/compression.h"
#include "libcommon/crypto/crypto.h"
#include "libcommon/http/http_client.h"
#include "libcommon/http/http_server.h"
#include "libcommon/json/json_read.h"
#include "libcommon/queue/redis.h"
#include "libcommon/runtime/service_main.h"
#include "puller/doctor.h"
#include "puller/run.h"

#include <synchub_commit.h>

static sh_library_version *const libraries[] = {
    sh_http_client_library, sh_http_server_library, sh_redis_library,       sh_json_library,
    sh_crypto_library,      sh_certificate_library, sh_compression_library, NULL,
};

static const sh_subcommand subcommands[] = {
    {.name = "doctor",
     .usage = "doctor [--json]",
     .help = "check Redis, the key and each node, each with its remedy; exit code 3 if anything is "
             "wrong",
     .run = doctor_command,
     .needs_secrets = true},
    {.name = NULL},
};

int main(int argc, char *argv[])
{
    static const sh_service service = {
        .name = "puller",
        .summary = "fetches the device tables of all SYNC_nodes into the hub's queue",
        .program = SH_FOR_PULLER,
        .subcommands = subcommands,
        .commit = SYNCHUB_COMMIT,
        .libraries = libraries,
        .run = puller_main,
        .reloads = true,
    };
    return sh_service_main(&service, argc, argv);
}
