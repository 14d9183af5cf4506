/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/store/backup_rows.h"

#include <string.h>

bool backup_table_column(const backup_table *table, const char *column, size_t *index)
{
    for (size_t i = 0; i < table->count; i++) {
        if (strcmp(table->columns[i], column) == 0) {
            *index = i;
            return true;
        }
    }
    return false;
}
