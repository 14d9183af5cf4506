/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_SERVICE_MAIN_H
#define SH_SERVICE_MAIN_H

#include "libcommon/runtime/service.h"

/*
 * The whole main(): --help, --version, --check-config, --once, subcommands; anything else unknown
 * is exit 2 with the usage. Initialises crypto, log and signals, loads the settings (a bad one: one
 * clear line on standard error, exit 2), logs their warnings.
 */
int sh_service_main(const sh_service *service, int argc, char *const argv[]);

#endif
