/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/store/schema.h"

#include "receiver/store/schema_devices_lost.h"
#include "receiver/store/schema_presence_views.h"

/*
 * All versions of the tables, in order. To change them, add an array of steps and its line in
 * migrations[]; never change released versions. A new column of Devices is a line at the end of
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
    /* SQLite's column is declared unique and case-insensitive. */
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
 * These columns may contain text (`Gi1/0/24`), which SQLite's columns accept. Numbers are stored in
 * one canonical form, so that equal numbers are equal texts.
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

/* Items merged earlier have no node, and are deleted only by age. */
static const schema_step version_3[] = {
    {.table = "SyncHub_Items", .column = "node", .definition = "@text NOT NULL DEFAULT ''"},
    {.sql =
         "CREATE INDEX IF NOT EXISTS \"SyncHub_Items_node\" ON \"SyncHub_Items\"(node, merged_ms)"},
};

/*
 * Presence of devices, whose rows in Devices never change. present: 0 absent, 1 present, 2 unknown
 * to the node itself. Digests are deleted, so that each node sends its table once.
 */
#define SEEN_BEFORE(now)                                                                           \
    "INSERT INTO \"SyncHub_Presence\"(node, mac, present, since_ms, first_seen_ms,"                \
    " last_connection_ms, ip) SELECT \"devSyncHubNode\", lower(\"devMac\"), 2, " now               \
    ", 0, 0, coalesce(\"devLastIP\", '') FROM \"Devices\" WHERE \"devSyncHubNode\" <> ''"

static const schema_step version_4[] = {
    {.table = "SyncHub_Nodes",
     .column = "last_contact_ms",
     .definition = "@integer NOT NULL DEFAULT 0"},
    {.table = "SyncHub_Nodes",
     .column = "interval_ms",
     .definition = "@integer NOT NULL DEFAULT 0"},
    {.table = "SyncHub_Nodes",
     .column = "silent_after_ms",
     .definition = "@integer NOT NULL DEFAULT 900000"},
    {.table = "SyncHub_Nodes",
     .column = "table_order",
     .definition = "@integer NOT NULL DEFAULT 0"},
    {.table = "SyncHub_Nodes",
     .column = "table_sealed_ms",
     .definition = "@integer NOT NULL DEFAULT 0"},
    {.table = "SyncHub_Nodes", .column = "table_digest", .definition = "@bytes"},
    {.table = "SyncHub_Parts", .column = "keys", .definition = "@bytes"},
    {.sql = "UPDATE \"SyncHub_Nodes\" SET last_contact_ms = merged_ms"},
    {.sql = "CREATE TABLE \"SyncHub_Presence\"(node @text NOT NULL, mac @text NOT NULL,"
            " present @integer NOT NULL, since_ms @integer NOT NULL,"
            " first_seen_ms @integer NOT NULL, last_connection_ms @integer NOT NULL,"
            " ip @text NOT NULL, PRIMARY KEY(node, mac)) @rows_by_key",
     .own_only = true},
    /* The time when a device was first seen is not known: 0. */
    {.sqlite = SEEN_BEFORE(SQLITE_NOW_MS),
     .postgres = SEEN_BEFORE(POSTGRES_NOW_MS),
     .own_only = true},
    {.sql = "CREATE INDEX \"SyncHub_Presence_mac\" ON \"SyncHub_Presence\"(mac)", .own_only = true},
    {.sqlite = NODE_PRESENCE_VIEW(SQLITE_NOW_MS, "max", ""),
     .postgres = NODE_PRESENCE_VIEW(POSTGRES_NOW_MS, "greatest", ""),
     .own_only = true},
    {.sqlite = DEVICE_PRESENCE_VIEW("d.devMac"),
     .postgres = DEVICE_PRESENCE_VIEW("lower(d.\"devMac\")"),
     .own_only = true},
    {.sql = "UPDATE \"SyncHub_Nodes\" SET digest = NULL", .own_only = true},
};

/*
 * What is known about a node apart from its merges (store_node_info). Nodes that were never
 * accepted have a row, too. How long nodes of earlier versions are known is not recorded.
 */
#define NODES_INTEGER(column_)                                                                     \
    {                                                                                              \
        .table = "SyncHub_Nodes", .column = column_, .definition = "@integer NOT NULL DEFAULT 0"   \
    }
#define NODES_TEXT(column_)                                                                        \
    {                                                                                              \
        .table = "SyncHub_Nodes", .column = column_, .definition = "@prose NOT NULL DEFAULT ''"    \
    }

static const schema_step version_5[] = {
    NODES_INTEGER("first_contact_ms"),
    NODES_INTEGER("changed_ms"),
    NODES_INTEGER("reported_interval_ms"),
    NODES_INTEGER("silent_set_ms"),
    NODES_TEXT("agent"),
    NODES_TEXT("protocol"),
    NODES_TEXT("instance"),
    NODES_INTEGER("problem_ms"),
    NODES_INTEGER("problem_seen_ms"),
    NODES_TEXT("problem_kind"),
    NODES_INTEGER("problem_status"),
    NODES_TEXT("problem_text"),
    NODES_INTEGER("conflict_ms"),
    NODES_TEXT("conflict_text"),
    NODES_TEXT("labels"),
    NODES_TEXT("note"),
    NODES_INTEGER("ephemeral"),
    NODES_INTEGER("expected_ms"),
    {.sql = "UPDATE \"SyncHub_Nodes\" SET first_contact_ms = last_contact_ms,"
            " changed_ms = merged_ms"},
    {.sql = "CREATE TABLE IF NOT EXISTS \"SyncHub_AuthFailures\"("
            "address @text NOT NULL, node @text NOT NULL, first_ms @integer NOT NULL,"
            " last_ms @integer NOT NULL, failures @integer NOT NULL, reason @prose NOT NULL,"
            " PRIMARY KEY(address, node)) @rows_by_key"},
};

/*
 * State of which the database is the record, and Redis a copy (store_state.h). A credential record
 * has only hashes and sealed secrets.
 */
static const schema_step version_6[] = {
    {.sql = "CREATE TABLE IF NOT EXISTS \"SyncHub_Credentials\"(node @text NOT NULL PRIMARY KEY,"
            " record @prose NOT NULL, changed_ms @integer NOT NULL) @rows_by_key"},
    {.sql = "CREATE TABLE IF NOT EXISTS \"SyncHub_Blocklist\"(mac @text NOT NULL PRIMARY KEY,"
            " note @prose NOT NULL, changed_ms @integer NOT NULL) @rows_by_key"},
};

/* Devices of a node that is late or failing are unknown, too. */
static const schema_step version_7[] = {
    {.sql = "DROP VIEW \"SyncHub_DevicePresence\"", .own_only = true},
    {.sql = "DROP VIEW \"SyncHub_NodePresence\"", .own_only = true},
    {.sqlite = NODE_PRESENCE_VIEW(SQLITE_NOW_MS, "max", OR_LATE_OR_FAILING(SQLITE_NOW_MS)),
     .postgres =
         NODE_PRESENCE_VIEW(POSTGRES_NOW_MS, "greatest", OR_LATE_OR_FAILING(POSTGRES_NOW_MS)),
     .own_only = true},
    {.sqlite = DEVICE_PRESENCE_VIEW("d.devMac"),
     .postgres = DEVICE_PRESENCE_VIEW("lower(d.\"devMac\")"),
     .own_only = true},
};

/* Presence in a table is not compared with the database if it is that of the table before. */
static const schema_step version_8[] = {
    NODES_INTEGER("presence_fingerprint"),
};

/*
 * For lists of many devices: those first seen lately, and those of a node. Both grow at their end
 * while a node's devices are merged, so that they cost merge little.
 */
static const schema_step version_9[] = {
    {.sql = "CREATE INDEX \"SyncHub_Presence_first_seen\" ON \"SyncHub_Presence\"(first_seen_ms)",
     .own_only = true},
    {.sqlite = "CREATE INDEX \"Devices_devSyncHubNode\" ON"
               " \"Devices\"(\"devSyncHubNode\" COLLATE NOCASE)",
     .postgres = "CREATE INDEX \"Devices_devSyncHubNode\" ON"
                 " \"Devices\"(lower(\"devSyncHubNode\"))",
     .own_only = true},
};

/* Access to the console (STORE_CONSOLE, STORE_SESSIONS of store_state.h). */
static const schema_step version_10[] = {
    {.sql = "CREATE TABLE IF NOT EXISTS \"SyncHub_Console\"(name @text NOT NULL PRIMARY KEY,"
            " record @prose NOT NULL, changed_ms @integer NOT NULL) @rows_by_key"},
    {.sql = "CREATE TABLE IF NOT EXISTS \"SyncHub_Sessions\"(name @text NOT NULL PRIMARY KEY,"
            " record @prose NOT NULL, changed_ms @integer NOT NULL) @rows_by_key"},
};

/*
 * Settings made on the hub (STORE_SETTINGS), and the figures of each hour (store_history.h), of
 * each node and, with the name '', of all.
 */
static const schema_step version_11[] = {
    {.sql = "CREATE TABLE IF NOT EXISTS \"SyncHub_Settings\"(name @text NOT NULL PRIMARY KEY,"
            " value @prose NOT NULL, changed_ms @integer NOT NULL) @rows_by_key"},
    {.sql = "CREATE TABLE IF NOT EXISTS \"SyncHub_History\"(node @text NOT NULL,"
            " hour @integer NOT NULL, pushes @integer NOT NULL, inserted @integer NOT NULL,"
            " lag_sum_ms @integer NOT NULL, lag_max_ms @integer NOT NULL,"
            " queue_max @integer NOT NULL, PRIMARY KEY(node, hour)) @rows_by_key"},
    {.sql = "CREATE INDEX IF NOT EXISTS \"SyncHub_History_hour\" ON \"SyncHub_History\"(hour)"},
};

/*
 * Thresholds that can be set decide when a node is late or silent. The column silent_after_ms is no
 * longer used; it stays, as SQLite drops no column of a database in which any view is broken, and
 * NetAlertX's may have such a view.
 */
static const schema_step version_12[] = {
    {.sql = "DROP VIEW \"SyncHub_DevicePresence\"", .own_only = true},
    {.sql = "DROP VIEW \"SyncHub_NodePresence\"", .own_only = true},
    {.sqlite = NODE_PRESENCE_VIEW_BY_THRESHOLDS(SQLITE_NOW_MS, "max"),
     .postgres = NODE_PRESENCE_VIEW_BY_THRESHOLDS(POSTGRES_NOW_MS, "greatest"),
     .own_only = true},
    {.sqlite = DEVICE_PRESENCE_VIEW("d.devMac"),
     .postgres = DEVICE_PRESENCE_VIEW("lower(d.\"devMac\")"),
     .own_only = true},
};

/*
 * For lists of the few devices that are absent; new devices are not in this index. PostgreSQL's
 * view computes the time once, not for each row.
 */
static const schema_step version_13[] = {
    {.sql = "CREATE INDEX \"SyncHub_Presence_not_present\" ON \"SyncHub_Presence\"(present, mac)"
            " WHERE present <> 1",
     .own_only = true},
    {.postgres = "DROP VIEW \"SyncHub_DevicePresence\"", .own_only = true},
    {.postgres = "DROP VIEW \"SyncHub_NodePresence\"", .own_only = true},
    {.postgres = NODE_PRESENCE_VIEW_BY_THRESHOLDS(POSTGRES_NOW_ONCE_MS, "greatest"),
     .own_only = true},
    {.postgres = DEVICE_PRESENCE_VIEW("lower(d.\"devMac\")"), .own_only = true},
};

/*
 * PostgreSQL's receivers remember which devices are there, and must notice when one is not any
 * more, whoever has deleted it: each such transaction leaves a mark in SyncHub_Meta, which
 * conflicts with no other's (postgres_known_macs.c). By row and ALWAYS, as replication fires only
 * these. The function has its owner's rights, as whoever deletes devices need not have any on
 * SyncHub_Meta. It may be there already: the restoration of an older dump replaces only what that
 * has.
 */
static const schema_step version_14[] = {
    {.postgres =
         "DO $do$ BEGIN EXECUTE format($f$CREATE OR REPLACE FUNCTION \"SyncHub_DevicesLost\"()"
         " RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, %s,"
         " pg_temp AS $body$ BEGIN INSERT INTO \"SyncHub_Meta\"(key, value)"
         " VALUES(" SCHEMA_DEVICES_LOST_MARK ", '') ON CONFLICT(key) DO NOTHING;"
         " RETURN NULL; END $body$ $f$, (SELECT relnamespace::regnamespace FROM pg_class"
         " WHERE oid = '\"Devices\"'::regclass)); END $do$;"
         "REVOKE ALL ON FUNCTION \"SyncHub_DevicesLost\"() FROM PUBLIC",
     .own_only = true},
    {.postgres = "CREATE TRIGGER \"SyncHub_deleted\" AFTER DELETE ON \"Devices\" FOR EACH ROW"
                 " EXECUTE FUNCTION \"SyncHub_DevicesLost\"();"
                 "CREATE TRIGGER \"SyncHub_renamed\" AFTER UPDATE ON \"Devices\" FOR EACH ROW"
                 " WHEN (OLD.\"devMac\" IS DISTINCT FROM NEW.\"devMac\")"
                 " EXECUTE FUNCTION \"SyncHub_DevicesLost\"();"
                 "CREATE TRIGGER \"SyncHub_truncated\" AFTER TRUNCATE ON \"Devices\""
                 " FOR EACH STATEMENT EXECUTE FUNCTION \"SyncHub_DevicesLost\"();"
                 "ALTER TABLE \"Devices\" ENABLE ALWAYS TRIGGER \"SyncHub_deleted\","
                 " ENABLE ALWAYS TRIGGER \"SyncHub_renamed\","
                 " ENABLE ALWAYS TRIGGER \"SyncHub_truncated\"",
     .own_only = true},
};

static const schema_migration migrations[] = {
    MIGRATION(version_1),  MIGRATION(version_2),  MIGRATION(version_3),  MIGRATION(version_4),
    MIGRATION(version_5),  MIGRATION(version_6),  MIGRATION(version_7),  MIGRATION(version_8),
    MIGRATION(version_9),  MIGRATION(version_10), MIGRATION(version_11), MIGRATION(version_12),
    MIGRATION(version_13), MIGRATION(version_14),
};

const schema schema_released = {.migrations = migrations,
                                .count = sizeof migrations / sizeof migrations[0]};
const schema *schema_in_use = &schema_released;
