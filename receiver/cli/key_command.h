/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_KEY_COMMAND_H
#define RECEIVER_KEY_COMMAND_H

#include "libcommon/config/settings.h"

/* `key adopt` */
int key_adopt(const sh_settings *settings, int argc, char *const argv[]);

#endif
