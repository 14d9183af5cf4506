/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/service.h"
#include "pusher/run.h"

int main(int argc, char *argv[])
{
    static const sh_service service = {
        .name = "pusher",
        .summary = "brings this node's device table and plugin results to a hub",
        .who = SH_FOR_PUSHER,
        .check = run_check,
        .run = run_pusher,
    };
    return sh_service_main(&service, argc, argv);
}
