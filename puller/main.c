/* SPDX-License-Identifier: Apache-2.0 */
#include "puller/puller.h"

int main(int argc, char *argv[])
{
    static const sh_service service = {
        .name = "puller",
        .summary = "fetches the device tables of all SYNC_nodes into the hub's queue",
        .who = SH_FOR_PULLER,
        .run = puller_main,
    };
    return sh_service_main(&service, argc, argv);
}
