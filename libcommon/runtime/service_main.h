/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_SERVICE_MAIN_H
#define SH_SERVICE_MAIN_H

#include "libcommon/runtime/service.h"

/*
 * The whole main(): --help, --version, --check-config, --once, subcommands; unknown words print the
 * usage and exit with 2. Initializes crypto, log and signals, loads the settings (an invalid one: a
 * line on standard error, exit code 2), logs their warnings.
 */
int sh_service_main(const sh_service *service, int argc, char *const argv[]);

#endif
