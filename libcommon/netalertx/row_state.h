/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_ROW_STATE_H
#define SH_ROW_STATE_H

#include "libcommon/base/error.h"
#include "libcommon/base/text.h"

#include <stdbool.h>

/*
 * The current state of a device, by its row in a device table. A hub writes the member `"present":
 * "unknown"` to rows of devices of silent nodes.
 */
typedef enum {
    SH_ROW_PRESENT_MISSING, /* the row has no devPresentLastScan */
    SH_ROW_PRESENT_NO,
    SH_ROW_PRESENT_YES,
    SH_ROW_PRESENT_UNKNOWN, /* unknown to the hub that wrote the table */
} sh_row_present;

/* Texts are as written between the quotes, and empty if missing. */
typedef struct {
    sh_row_present present;
    sh_slice last_ip, last_connection;
    bool has_present_key; /* the row has the key "present" */
    bool unclear;         /* the row has keys with escapes, so the members may be incomplete */
} sh_row_state;

/* The meaning of a value of devPresentLastScan, without quotes: 1 and true are present. */
sh_row_present sh_row_present_read(sh_slice value);

/*
 * Completes the state that the table scan found: parses the row if its keys have escapes, or if it
 * may contain that the state is unknown. The last of repeated keys counts. A row that is not JSON
 * keeps the state of the scan. SH_E_MEMORY.
 */
sh_err sh_row_state_complete(sh_slice row, sh_row_state *state, sh_error *error);

#endif
