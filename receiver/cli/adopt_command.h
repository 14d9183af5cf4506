/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_ADOPT_COMMAND_H
#define RECEIVER_ADOPT_COMMAND_H

#include "libcommon/config/settings.h"

/* `adopt` */
int adopt_database(const sh_settings *settings, int argc, char *const argv[]);

#endif
