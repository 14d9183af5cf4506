/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_DEAD_COMMAND_H
#define RECEIVER_DEAD_COMMAND_H

#include "libcommon/config/settings.h"

/*
 * `synchub-receiver dead …`: the dead letters, for the operator. list and show only read; retry
 * puts entries back into the queue, drop deletes them. Exit code 1 where an id is not there.
 */
int dead_list(const sh_settings *settings, int argc, char *const argv[]);
int dead_show(const sh_settings *settings, int argc, char *const argv[]);
int dead_retry(const sh_settings *settings, int argc, char *const argv[]);
int dead_drop(const sh_settings *settings, int argc, char *const argv[]);

#endif
