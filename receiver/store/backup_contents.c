/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/store/backup_contents.h"
#include "receiver/store/schema_devices_lost.h"

#include <string.h>

#define OWN_PREFIX "SyncHub_"

const char *const backup_precious_tables[] = {
    "Devices",           "Plugins_Objects", "SyncHub_Nodes",    "SyncHub_Credentials",
    "SyncHub_Blocklist", "SyncHub_Console", "SyncHub_Settings", NULL};

/* Sessions that have ended must not come back. */
static bool is_of_the_moment(const char *table)
{
    return strcmp(table, "SyncHub_Sessions") == 0;
}

bool backup_contains_table(const char *table)
{
    if (is_of_the_moment(table))
        return false;
    return strcmp(table, "Devices") == 0 || strcmp(table, "Plugins_Objects") == 0 ||
           strncmp(table, OWN_PREFIX, sizeof OWN_PREFIX - 1) == 0;
}

static bool begins_with(sh_slice key, const char *prefix)
{
    return key.len >= strlen(prefix) && memcmp(key.data, prefix, strlen(prefix)) == 0;
}

bool backup_contains_meta(sh_slice key)
{
    static const char *const of_database[] = {"schema_version", "database", "generation"};
    for (size_t i = 0; i < sizeof of_database / sizeof of_database[0]; i++)
        if (sh_slice_equals(key, sh_slice_of(of_database[i])))
            return false;
    return !begins_with(key, BACKUP_META) && !begins_with(key, SCHEMA_DEVICES_LOST);
}
