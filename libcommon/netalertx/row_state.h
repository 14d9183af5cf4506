/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_ROW_STATE_H
#define SH_ROW_STATE_H

#include "libcommon/base/error.h"
#include "libcommon/base/text.h"

#include <stdbool.h>

/*
 * What a row of a device table says of its device's current state. A hub writes the member
 * `"present": "unknown"` into rows of devices whose nodes are silent.
 */
typedef enum {
    SH_ROW_PRESENT_MISSING, /* the row has no devPresentLastScan */
    SH_ROW_PRESENT_NO,
    SH_ROW_PRESENT_YES,
    SH_ROW_PRESENT_UNKNOWN, /* to the hub that wrote the table */
} sh_row_present;

/* Texts are as written, between the quotes, and empty where they are missing. */
typedef struct {
    sh_row_present present;
    sh_slice last_ip, last_connection;
    bool unclear; /* the row has keys with escapes, which may be these */
} sh_row_state;

/* What a value of devPresentLastScan says, without quotes: 1 and true are present. */
sh_row_present sh_row_present_read(sh_slice value);

/*
 * Completes what the scan of a table found of a row: reads the row where its keys have escapes, and
 * where it may say that the state is unknown. Of a key that comes twice, the last one counts. A row
 * that is no JSON keeps what the scan found. SH_E_MEMORY.
 */
sh_err sh_row_state_complete(sh_slice row, sh_row_state *state, sh_error *error);

#endif
