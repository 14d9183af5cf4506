/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/cli/subcommands.h"

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
#include "receiver/cli/node_credentials_list_command.h"
#include "receiver/cli/node_edit_command.h"
#include "receiver/cli/node_transfer_command.h"
#include "receiver/cli/nodes_command.h"
#include "receiver/cli/settings_command.h"
#include "receiver/operate/devices_options.h"

const sh_subcommand receiver_subcommands[] = {
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
    {.name = "settings list",
     .usage = SETTINGS_LIST_USAGE,
     .help = "list all settings with value and origin, as the hub's programs report them, and "
             "which can be changed on the hub",
     .run = settings_list,
     .is_default = true},
    {.name = "settings set",
     .usage = SETTINGS_SET_USAGE,
     .help = "set a setting on the hub, in use by all its programs within 5 s, unless their "
             "environment or a file has it",
     .run = settings_set},
    {.name = "settings unset",
     .usage = SETTINGS_UNSET_USAGE,
     .help = "use the default of a setting again",
     .run = settings_unset},
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
