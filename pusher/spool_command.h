/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PUSHER_SPOOL_COMMAND_H
#define PUSHER_SPOOL_COMMAND_H

#include "libcommon/config/settings.h"

/*
 * `synchub-pusher spool list|retry|drop`: plugin results that wait for the hub or that it refused.
 * Safe beside a running pusher, which notices changes within seconds. Each returns the exit code.
 */
int spool_command_list(const sh_settings *settings, int argc, char *const argv[]);
int spool_command_retry(const sh_settings *settings, int argc, char *const argv[]);
int spool_command_drop(const sh_settings *settings, int argc, char *const argv[]);

#endif
