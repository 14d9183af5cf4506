/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_CONSOLE_ASSETS_H
#define RECEIVER_CONSOLE_ASSETS_H

#include <stddef.h>

/* The files that CMake embeds: those of receiver/console/page, and the description of the API. */
typedef struct {
    const char *name; /* `style.css`; NULL: the end of the table */
    const unsigned char *data;
    size_t len;
} console_asset;

extern const console_asset console_assets[];

#endif
