/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/store/schema.h"

/*
 * All versions of the tables, in order. To change them, add an array of steps and its line in
 * migrations[]; what was released stays as it is. A new column of Devices is a line at the end of
 * device_columns.c and a step here:
 *
 *     static const schema_step version_N[] = {
 *         {.table = "Devices", .column = "devNew", .own_only = true},
 *     };
 *
 * clang-format's versions differ about braces in macros.
 */
/* clang-format off */
#define MIGRATION(steps_) {.steps = (steps_), .count = sizeof(steps_) / sizeof((steps_)[0])}
/* clang-format on */

static const schema_step version_1[] = {
    {.build = schema_build_devices, .own_only = true},
    /* SQLite's own column is declared unique and without regard to case. */
    {.postgres = "CREATE UNIQUE INDEX \"Devices_devMac\" ON \"Devices\"(lower(\"devMac\"))",
     .own_only = true},
    {.build = schema_build_results, .own_only = true},
    {.sql = "CREATE TABLE IF NOT EXISTS \"SyncHub_Meta\"("
            "key @text NOT NULL PRIMARY KEY, value @prose NOT NULL) @rows_by_key"},
    {.sql = "CREATE TABLE IF NOT EXISTS \"SyncHub_Items\"("
            "id @bytes NOT NULL PRIMARY KEY, merged_ms @integer NOT NULL) @rows_by_key"},
    {.sql = "CREATE INDEX IF NOT EXISTS \"SyncHub_Items_merged\" ON \"SyncHub_Items\"(merged_ms)"},
    {.sql = "CREATE TABLE IF NOT EXISTS \"SyncHub_Nodes\"("
            "node @text NOT NULL PRIMARY KEY, mode @prose NOT NULL, merged_ms @integer NOT NULL,"
            " sent @integer NOT NULL, inserted @integer NOT NULL, known @integer NOT NULL,"
            " skipped @integer NOT NULL, set_aside @integer NOT NULL, reason @prose NOT NULL,"
            " digest @bytes) @rows_by_key"},
    {.sql = "CREATE TABLE IF NOT EXISTS \"SyncHub_Parts\"("
            "node @text NOT NULL, digest @bytes NOT NULL, parts @integer NOT NULL,"
            " part @integer NOT NULL, merged_ms @integer NOT NULL, sent @integer NOT NULL,"
            " inserted @integer NOT NULL, known @integer NOT NULL, skipped @integer NOT NULL,"
            " set_aside @integer NOT NULL, reason @prose NOT NULL,"
            " PRIMARY KEY(node, digest, parts, part)) @rows_by_key"},
};

/*
 * Text in these columns is as good as a number (`Gi1/0/24`), and SQLite's take it. Each number is
 * spelled in one way there, so that texts are equal where numbers are.
 */
#define TEXT_IN_POSTGRES(column, default_)                                                         \
    {                                                                                              \
        .postgres = "ALTER TABLE \"Devices\" ALTER COLUMN \"" column "\" DROP DEFAULT,"            \
                    " ALTER COLUMN \"" column "\" TYPE text COLLATE \"C\" USING \"" column         \
                    "\"::text, ALTER COLUMN \"" column "\" SET DEFAULT " default_,                 \
        .own_only = true                                                                           \
    }

static const schema_step version_2[] = {
    TEXT_IN_POSTGRES("devScan", "'1'"),        TEXT_IN_POSTGRES("devSkipRepeated", "'0'"),
    TEXT_IN_POSTGRES("devParentPort", "NULL"), TEXT_IN_POSTGRES("devReqNicsOnline", "NULL"),
    TEXT_IN_POSTGRES("devCanSleep", "NULL"),
};

/* Items that were merged before have no node, and go by their age alone. */
static const schema_step version_3[] = {
    {.table = "SyncHub_Items", .column = "node", .definition = "@text NOT NULL DEFAULT ''"},
    {.sql =
         "CREATE INDEX IF NOT EXISTS \"SyncHub_Items_node\" ON \"SyncHub_Items\"(node, merged_ms)"},
};

static const schema_migration migrations[] = {
    MIGRATION(version_1),
    MIGRATION(version_2),
    MIGRATION(version_3),
};

const schema schema_released = {.migrations = migrations,
                                .count = sizeof migrations / sizeof migrations[0]};
const schema *schema_in_use = &schema_released;
