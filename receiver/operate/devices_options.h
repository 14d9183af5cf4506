/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_DEVICES_OPTIONS_H
#define RECEIVER_DEVICES_OPTIONS_H

#include "receiver/store/store.h"

#include <stdbool.h>

/* The arguments of `devices`: which devices are listed, in which order and form. Pure. */

#define DEVICES_USAGE                                                                              \
    "devices [--node N] [--since 7d] [--present|--absent|--unknown] [--search TEXT]"               \
    " [--sort KEY] [--limit N] [--after NEXT] [--json|--csv] [--no-pager]"

typedef enum { DEVICES_TEXT, DEVICES_JSON, DEVICES_CSV } devices_format;

typedef struct {
    store_device_query query; /* texts are borrowed from argv */
    devices_format format;
    bool filters; /* not all devices were asked for */
} device_options;

/* SH_E_CONFIG; the message has the usage or the accepted values. */
sh_err device_options_read(int argc, char *const argv[], int64_t now_ms, device_options *ret,
                           sh_error *error);

#endif
