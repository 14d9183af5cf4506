/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_DEAD_COMMAND_H
#define RECEIVER_DEAD_COMMAND_H

#include "libcommon/config/settings.h"

#define DEAD_LIST_USAGE "dead list [--node NAME] [--json] [--no-pager]"
#define DEAD_RETRY_USAGE "dead retry ID... | --all | --node NAME [--json]"
#define DEAD_DROP_USAGE "dead drop ID... | --all | --node NAME [--json]"

/*
 * `synchub-receiver dead …`. list and show are read-only; retry moves dead letters back into the
 * queue, drop deletes them. Return the exit code: 1 if an id does not exist.
 */
int dead_list(const sh_settings *settings, int argc, char *const argv[]);
int dead_show(const sh_settings *settings, int argc, char *const argv[]);
int dead_retry(const sh_settings *settings, int argc, char *const argv[]);
int dead_drop(const sh_settings *settings, int argc, char *const argv[]);

#endif
