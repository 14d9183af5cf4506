/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_SUBCOMMANDS_H
#define RECEIVER_SUBCOMMANDS_H

#include "libcommon/runtime/service.h"

/*
 * The subcommands of synchub-receiver, with the texts of --help, manual page and completions; the
 * last one has no name.
 */
extern const sh_subcommand receiver_subcommands[];

#endif
