/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/limits.h"
#include "libcommon/crypto/compression.h"
#include "libcommon/crypto/crypto.h"
#include "libcommon/http/http_client.h"
#include "libcommon/http/http_server.h"
#include "libcommon/json/json_read.h"
#include "libcommon/netalertx/netalertx_cipher.h"
#include "libcommon/queue/redis.h"
#include "libcommon/runtime/log.h"
#include "libcommon/runtime/notify.h"
#include "libcommon/runtime/service_main.h"
#include "libcommon/runtime/settings_reload.h"
#include "libcommon/runtime/stop.h"
#include "receiver/cli/adopt_command.h"
#include "receiver/cli/auth_failures_command.h"
#include "receiver/cli/backup_command.h"
#include "receiver/cli/blocklist_command.h"
#include "receiver/cli/console_command.h"
#include "receiver/cli/dead_command.h"
#include "receiver/cli/device_command.h"
#include "receiver/cli/devices_command.h"
#include "receiver/cli/doctor_command.h"
#include "receiver/cli/key_command.h"
#include "receiver/cli/node_credentials_command.h"
#include "receiver/cli/node_list_command.h"
#include "receiver/cli/node_record_command.h"
#include "receiver/cli/node_transfer_command.h"
#include "receiver/cli/nodes_command.h"
#include "receiver/console/console.h"
#include "receiver/hub/hub_secrets.h"
#include "receiver/hub/readiness.h"
#include "receiver/merge/merge.h"
#include "receiver/operate/device_options.h"
#include "receiver/serve.h"
#include "receiver/store/store.h"

#include <malloc.h>
#include <synchub_commit.h>

/*
 * Blocks of the size of usual bodies and texts stay in malloc's heap between pushes, as page faults
 * cost as much as the decryption. Larger blocks are returned to the system at once.
 */
#define KEPT_BYTES (2 * SH_MIB)
#define ARENAS 4

#define RELOAD_POLL_MS 5000

/* With --once the receiver merges the queued entries and ends; it does not listen. */
static int run_parts(const sh_settings *settings, const hub_secrets *keys, bool once,
                     sh_error *error)
{
    bool merges = settings->role == SH_ROLE_ALL || settings->role == SH_ROLE_MERGE;
    bool has_database = settings->role != SH_ROLE_INGEST;
    merge *m = NULL;
    serve *s = NULL;
    console *c = NULL;
    bool good = true;
    if (merges)
        (void)readiness_set(READINESS_MERGE, "merge has not started yet");
    sh_err err = has_database ? store_prepare(settings->db, error) : SH_OK;
    if (err == SH_OK && merges)
        err = merge_new(settings, keys, &m, error);
    if (err == SH_OK && !once)
        err = serve_start(settings, keys, merges ? merge_node_metrics(m) : NULL, &s, error);
    if (err == SH_OK && !once && has_database)
        err = console_start(settings, &c, error);
    if (err == SH_OK && !once)
        sh_notify_ready("started");
    if (err == SH_OK && merges)
        good = merge_run(m, once);
    else if (err == SH_OK && !once)
        while (!sh_stop_wait(RELOAD_POLL_MS))
            (void)sh_service_reload_state(); /* logs changed settings */
    (void)readiness_set(READINESS_STOPPING, "this receiver is stopping");
    console_stop(c);
    serve_stop(s);
    merge_free(m);
    if (err == SH_E_CONFIG)
        return SH_EXIT_CONFIG;
    return err == SH_OK && good ? SH_EXIT_DONE : SH_EXIT_FAILED;
}

static int run_receiver(const sh_settings *settings, bool once)
{
    sh_error error = {0};
    hub_secrets keys;
    int code = SH_EXIT_FAILED;
    (void)mallopt(M_MMAP_THRESHOLD, KEPT_BYTES);
    (void)mallopt(M_TRIM_THRESHOLD, 4 * KEPT_BYTES);
    (void)mallopt(M_ARENA_MAX, ARENAS);
    if (hub_secrets_init(settings, &keys, &error) == SH_OK)
        code = run_parts(settings, &keys, once, &error);
    if (error.code != SH_OK)
        sh_log_error("%s", error.message);
    hub_secrets_reset(&keys);
    return code;
}

static const sh_subcommand subcommands[] = {
    {.name = "nodes",
     .usage = NODES_USAGE,
     .help = "show each node: its state and the reason, last contact, rows sent and inserted, "
             "waiting entries; --problems: only nodes that need attention, exit code 3 if there "
             "are any; --sort: name, state, contact, table, inserted or queue, with - before it in "
             "reverse",
     .run = nodes_command},
    {.name = "devices",
     .usage = DEVICES_USAGE,
     .help = "show the merged devices, which are present, since when and at which nodes; --since: "
             "first seen by this hub within that time; --sort: mac, name, ip, vendor, node, "
             "present, since, first-seen or last-seen, with - before it in reverse; --json writes "
             "a device table",
     .run = devices_command},
    {.name = "device show",
     .usage = "device show MAC [--json]",
     .help = "show one device, and every node that sees it",
     .run = device_command},
    {.name = "dead list",
     .usage = DEAD_LIST_USAGE,
     .help = "list the entries that could not be merged, with the reason",
     .run = dead_list},
    {.name = "dead show",
     .usage = "dead show ID [--json]",
     .help = "show everything about a dead letter except its content",
     .run = dead_show},
    {.name = "dead retry",
     .usage = DEAD_RETRY_USAGE,
     .help = "move dead letters back into the queue, after the cause was fixed",
     .run = dead_retry},
    {.name = "dead drop",
     .usage = DEAD_DROP_USAGE,
     .help = "delete dead letters for good",
     .run = dead_drop},
    {.name = "blocklist list",
     .usage = BLOCKLIST_LIST_USAGE,
     .help = "list the devices that are never inserted, those of SYNC_skip_macs too",
     .run = blocklist_list},
    {.name = "blocklist add",
     .usage = BLOCKLIST_ADD_USAGE,
     .help = "never insert these devices again, effective immediately; existing rows stay",
     .run = blocklist_add},
    {.name = "blocklist remove",
     .usage = BLOCKLIST_REMOVE_USAGE,
     .help = "insert these devices again; nodes send their tables once in full",
     .run = blocklist_remove},
    {.name = "doctor",
     .usage = DOCTOR_USAGE,
     .help = "check settings, database, Redis, queue, credentials, nodes, clocks, certificate and "
             "the running receiver, each finding with its remedy; exit code 3 if there are any",
     .run = doctor_command,
     .needs_secrets = true},
    {.name = "backup",
     .usage = BACKUP_USAGE,
     .help =
         "write devices, credentials, blocklist and all that is known of nodes to a file, while "
         "everything runs; --force: replace the file",
     .run = backup_command},
    {.name = "restore",
     .usage = RESTORE_USAGE,
     .help =
         "restore a backup into the database of SYNC_db, SQLite or PostgreSQL, while no receiver "
         "merges; --force: replace all that the database has",
     .run = restore_command},
    {.name = "adopt",
     .usage = "adopt",
     .help = "merge the queue into the database of SYNC_db from now on, after an intended change",
     .run = adopt_database},
    {.name = "key adopt",
     .usage = "key adopt",
     .help = "make SYNC_encryption_key the key of this hub, after an intended change",
     .run = key_adopt,
     .needs_secrets = true},
    {.name = "node add",
     .usage = NODE_ADD_USAGE,
     .help = "create a token and a key for each node and print its settings, once; --file: one "
             "name in each line; --netalertx: allow NetAlertX's format; --ephemeral: it comes and "
             "goes; "
             "--grace: the shared token and key work for it, too, for that time",
     .run = node_add,
     .needs_secrets = true},
    {.name = "node list",
     .usage = NODE_LIST_USAGE,
     .help = "list the nodes with credentials of their own, and when they were last used",
     .run = node_list},
    {.name = "node rotate",
     .usage = NODE_ROTATE_USAGE,
     .help = "create new credentials; the old ones stay valid for 7d, or another time such as "
             "12h, 30m or 0s",
     .run = node_rotate,
     .needs_secrets = true},
    {.name = "node revoke",
     .usage = NODE_REVOKE_USAGE,
     .help = "revoke all credentials of a node immediately",
     .run = node_revoke},
    {.name = "node show",
     .usage = "node show NAME [--json]",
     .help = "show everything about a node",
     .run = node_show},
    {.name = "node expect",
     .usage = "node expect NAME",
     .help = "list a node as `never` until it is seen, and as a problem after a day",
     .run = node_expect},
    {.name = "node label",
     .usage = "node label NAME KEY=VALUE",
     .help = "set a label, for `nodes --label`; an empty value removes it",
     .run = node_label},
    {.name = "node note",
     .usage = "node note NAME TEXT",
     .help = "set a note of one line about a node; an empty text removes it",
     .run = node_note},
    {.name = "node silent-after",
     .usage = "node silent-after NAME DURATION",
     .help = "how long after its last contact a node is silent, such as 90s, 15m, 12h or 7d; "
             "default: three of its intervals, at least 15m",
     .run = node_silent_after},
    {.name = "node ephemeral",
     .usage = "node ephemeral NAME on|off",
     .help = "whether a node comes and goes: when silent it is `gone`, which is not a problem",
     .run = node_ephemeral},
    {.name = "node forget",
     .usage = "node forget NAME",
     .help = "delete what is recorded of a node; its devices stay",
     .run = node_forget},
    {.name = "auth-failures",
     .usage = AUTH_FAILURES_USAGE,
     .help = "list the addresses that sent requests without valid credentials, and the names they "
             "claimed",
     .run = auth_failures_command},
    {.name = "console link",
     .usage = "console link",
     .help = "print a link that sets the console's password, once, within an hour",
     .run = console_link,
     .needs_secrets = true},
    {.name = "console password",
     .usage = "console password",
     .help = "set the console's password, asked for or read from standard input; all sessions end",
     .run = console_password_command,
     .needs_secrets = true},
    {.name = "console token add",
     .usage = CONSOLE_TOKEN_ADD_USAGE,
     .help = "add a token for the console's API and print it, once",
     .run = console_token_add_command},
    {.name = "console token list",
     .usage = CONSOLE_TOKEN_LIST_USAGE,
     .help = "list the tokens for the console's API, and when they were last used",
     .run = console_token_list_command},
    {.name = "console token revoke",
     .usage = "console token revoke NAME",
     .help = "revoke a token immediately",
     .run = console_token_revoke_command},
    {.name = "node export",
     .usage = NODE_EXPORT_USAGE,
     .help = "write all credentials, sealed, for a hub with the same SYNC_encryption_key",
     .run = node_export,
     .needs_secrets = true},
    {.name = "node import",
     .usage = NODE_IMPORT_USAGE,
     .help = "read an export; --replace: also for nodes that have credentials here",
     .run = node_import,
     .needs_secrets = true},
    {.name = NULL},
};

static sh_library_version *const libraries[] = {
    sh_http_server_library,
    sh_http_client_library,
    sh_redis_library,
    sh_json_library,
    store_sqlite_library,
    store_postgres_library,
    sh_crypto_library,
    sh_compression_library,
    sh_netalertx_cipher_library,
    NULL,
};

int main(int argc, char *argv[])
{
    const sh_service service = {
        .name = "receiver",
        .summary =
            "accepts pushes from nodes, queues them, and merges them into the Devices database",
        .program = SH_FOR_RECEIVER,
        .commit = SYNCHUB_COMMIT,
        .libraries = libraries,
        .subcommands = subcommands,
        .run = run_receiver,
    };
    return sh_service_main(&service, argc, argv);
}
