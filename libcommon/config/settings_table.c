/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/config/settings_table.h"

#include "libcommon/base/limits.h"

#include <assert.h>
#include <string.h>

static const sh_setting_choice pusher_runs[] = {
    {"disabled", SH_RUN_DISABLED},
    {"unused", SH_RUN_UNUSED},
    {"once", SH_RUN_ONCE},
    {"schedule", SH_RUN_SCHEDULE},
    {"always_after_scan", SH_RUN_ALWAYS_AFTER_SCAN},
    {"on_notification", SH_RUN_ALWAYS_AFTER_SCAN}, /* NetAlertX notifies after its scans */
    {"on_new_device", SH_RUN_ON_NEW_DEVICE},
    {NULL, 0},
};
static const sh_setting_choice puller_runs[] = {
    {"disabled", SH_RUN_DISABLED},
    {"unused", SH_RUN_UNUSED},
    {"once", SH_RUN_ONCE},
    {"schedule", SH_RUN_SCHEDULE},
    {NULL, 0},
};
static const sh_setting_choice protocols[] = {
    {"native", SH_PROTOCOL_NATIVE}, {"netalertx", SH_PROTOCOL_NETALERTX}, {NULL, 0}};
static const sh_setting_choice accepted_protocols[] = {
    {"any", SH_PROTOCOL_ANY}, {"native", SH_PROTOCOL_NATIVE}, {NULL, 0}};
static const sh_setting_choice roles[] = {{"all", SH_ROLE_ALL},
                                          {"ingest", SH_ROLE_INGEST},
                                          {"merge", SH_ROLE_MERGE},
                                          {"console", SH_ROLE_CONSOLE},
                                          {NULL, 0}};
static const sh_setting_choice behaviors[] = {{"copy-new", SH_BEHAVIOR_COPY_NEW},
                                              {"hub-defaults", SH_BEHAVIOR_HUB_DEFAULTS},
                                              {"carbon-copy", SH_BEHAVIOR_CARBON_COPY},
                                              {NULL, 0}};
static const sh_setting_choice log_levels[] = {{"error", SH_LOG_ERROR},
                                               {"warning", SH_LOG_WARNING},
                                               {"info", SH_LOG_INFO},
                                               {"debug", SH_LOG_DEBUG},
                                               {NULL, 0}};
static const sh_setting_choice log_formats[] = {
    {"text", SH_LOG_TEXT}, {"json", SH_LOG_JSON}, {NULL, 0}};

#define PUSHER SH_FOR_PUSHER
#define PULLER SH_FOR_PULLER
#define RECEIVER SH_FOR_RECEIVER
#define THRESHOLD_MIN_S 60
#define THRESHOLD_MAX_S (366 * 86400)
#define FIELD(member) .offset = offsetof(sh_settings, member)

const sh_setting sh_setting_table[] = {
    {"SYNC_RUN", .programs = PUSHER, .kind = SH_SETTING_CHOICE, FIELD(run), .choices = pusher_runs,
     .fallback = "schedule", .check = sh_check_run, .help = "when to push"},
    {"SYNC_RUN", .programs = PULLER, .kind = SH_SETTING_CHOICE, FIELD(run), .choices = puller_runs,
     .fallback = "schedule", .check = sh_check_run, .help = "when to pull", .hub = PULLER},
    {"SYNC_RUN_SCHD", .programs = PUSHER | PULLER, .kind = SH_SETTING_TEXT, FIELD(run_schedule),
     .fallback = "*/5 * * * *", .check = sh_check_schedule,
     .help = "the schedule: five cron fields, in the time zone TZ", .hub = PULLER},
    {"SYNC_api_token", .alias = "API_TOKEN", .programs = SH_FOR_ALL, .kind = SH_SETTING_SECRET,
     FIELD(api_token), .fallback = "", .check = sh_check_token,
     .help = "the token, the same on every node and on the hub; required",
     .credential = "synchub.token"},
    {"SYNC_encryption_key", .programs = SH_FOR_ALL, .kind = SH_SETTING_SECRET,
     FIELD(encryption_key), .fallback = "",
     .help = "a long random passphrase, the same on every node and on the hub; required",
     .credential = "synchub.key"},
    {"SYNC_node_name", .programs = PUSHER, .kind = SH_SETTING_TEXT, FIELD(node_name),
     .fallback = "", .check = sh_check_node_name, .help = "this node's name on the hub; required"},
    {"SYNC_hub_url", .programs = PUSHER, .kind = SH_SETTING_TEXT, FIELD(hub_url), .fallback = "",
     .check = sh_check_hub_url, .help = "the hub to push to, as in http://hub:20212"},
    {"SYNC_devices", .programs = PUSHER, .kind = SH_SETTING_BOOLEAN, FIELD(devices),
     .fallback = "False", .help = "push the device table"},
    {"SYNC_plugins", .programs = PUSHER, .kind = SH_SETTING_LIST, FIELD(plugins), .fallback = "[]",
     .check = sh_check_plugins, .help = "plugins whose results are pushed, as in ['ARPSCAN']"},
    {"SYNC_devices_file", .programs = PUSHER, .kind = SH_SETTING_TEXT, FIELD(devices_file),
     .fallback = "/tmp/api/table_devices.json", .help = "NetAlertX's device table"},
    {"SYNC_table_max_age", .programs = PUSHER, .kind = SH_SETTING_NUMBER, FIELD(table_max_age_s),
     .min = 0, .max = 31536000, .fallback = "86400",
     .help = "seconds after which a device table that is not written again is reported; 0: never"},
    {"SYNC_plugins_dir", .programs = PUSHER, .kind = SH_SETTING_TEXT, FIELD(plugins_dir),
     .fallback = "/tmp/log/plugins", .help = "the folder with NetAlertX's plugin results"},
    {"SYNC_spool_dir", .programs = PUSHER, .kind = SH_SETTING_TEXT, FIELD(spool_dir),
     .fallback = "/var/lib/synchub",
     .help = "the folder that keeps plugin results until the hub accepts them"},
    {"SYNC_protocol", .programs = PUSHER | PULLER, .kind = SH_SETTING_CHOICE, FIELD(protocol),
     .choices = protocols, .fallback = "native",
     .help = "netalertx if the other end is a NetAlertX"},
    {"SYNC_protocol", .programs = RECEIVER, .kind = SH_SETTING_CHOICE, FIELD(protocol),
     .choices = accepted_protocols, .fallback = "any",
     .help = "native: refuse pushes in NetAlertX's format"},
    {"SYNC_nodes", .programs = PULLER, .kind = SH_SETTING_LIST, FIELD(nodes), .fallback = "[]",
     .check = sh_check_nodes, .help = "nodes to pull, each as URL or name=URL", .hub = PULLER},
    {"SYNC_RUN_TIMEOUT", .programs = PUSHER | PULLER, .kind = SH_SETTING_NUMBER,
     FIELD(run_timeout_s), .min = 1, .max = 3600, .fallback = "30",
     .help = "the time limit of one exchange, in seconds", .hub = PULLER},
    {"SYNC_redis_url", .programs = PULLER | RECEIVER, .kind = SH_SETTING_URL, FIELD(redis_url),
     .fallback = "redis://127.0.0.1:6379/0", .check = sh_check_redis_url,
     .help = "the queue: redis://, rediss:// (TLS), redis+sentinel:// or unix:/path",
     .credential = "synchub.redis_url"},
    {"SYNC_redis_prefix", .programs = PULLER | RECEIVER, .kind = SH_SETTING_TEXT,
     FIELD(redis_prefix), .fallback = "synchub", .check = sh_check_redis_prefix,
     .help = "the prefix of all keys in Redis"},
    {"SYNC_redis_durable", .programs = PULLER | RECEIVER, .kind = SH_SETTING_BOOLEAN,
     FIELD(redis_durable), .fallback = "True",
     .help = "refuse data while Redis is not configured to keep it"},
    {"SYNC_redis_replicas", .programs = PULLER | RECEIVER, .kind = SH_SETTING_NUMBER,
     FIELD(redis_replicas), .min = 0, .max = 16, .fallback = "0",
     .help = "how many replicas of Redis must have an entry before it is confirmed"},
    {"SYNC_max_nodes", .programs = PULLER | RECEIVER, .kind = SH_SETTING_NUMBER, FIELD(max_nodes),
     .min = 1, .max = 10000000, .fallback = "100000",
     .help = "how many nodes may use the shared token; those of `node add` are not counted"},
    {"SYNC_db", .programs = RECEIVER, .kind = SH_SETTING_URL, FIELD(db),
     .fallback = "/data/synchub.db", .check = sh_check_db,
     .help = "the database: a path is SQLite, postgresql://... is PostgreSQL",
     .credential = "synchub.db"},
    {"SYNC_claim_idle_s", .programs = RECEIVER, .kind = SH_SETTING_NUMBER, FIELD(claim_idle_s),
     .min = 1, .max = 86400, .fallback = "60",
     .help = "seconds after which the entries of an inactive receiver are taken over"},
    {"SYNC_receiver_role", .programs = RECEIVER, .kind = SH_SETTING_CHOICE, FIELD(role),
     .choices = roles, .fallback = "all",
     .help = "ingest accepts pushes, merge writes the database, console serves the console"},
    {"SYNC_listen", .programs = RECEIVER, .kind = SH_SETTING_TEXT, FIELD(listen), .probe = true,
     .fallback = "0.0.0.0:20212", .check = sh_check_listen,
     .help = "the address:port to listen on; port 0 chooses a free one"},
    {"SYNC_listen", .programs = PUSHER | PULLER, .kind = SH_SETTING_TEXT, FIELD(listen),
     .probe = true, .fallback = "", .check = sh_check_listen,
     .help = "the address:port to listen on, as in 0.0.0.0:20212"},
    {"SYNC_console_listen", .programs = RECEIVER, .kind = SH_SETTING_TEXT, FIELD(console_listen),
     .fallback = SH_CONSOLE_LISTEN, .check = sh_check_console_listen,
     .help = "the address:port of the console; off: none; the default is that of role all, "
             "other roles have none"},
    {"SYNC_console_password", .programs = RECEIVER, .kind = SH_SETTING_SECRET,
     FIELD(console_password), .fallback = "", .check = sh_check_console_password,
     .help = "the password of the console; without it, the one set at the first visit"},
    {"SYNC_console_url", .programs = RECEIVER, .kind = SH_SETTING_LIST, FIELD(console_url),
     .fallback = "[]", .check = sh_check_console_url,
     .help = "URLs under which browsers reach the console, as in https://hub.example.org"},
    {"SYNC_console_trusted_proxy", .programs = RECEIVER, .kind = SH_SETTING_LIST,
     FIELD(console_trusted_proxy), .fallback = "[]", .check = sh_check_console_trusted_proxy,
     .help = "addresses and networks of proxies that log users in and name them in Remote-User"},
    {"SYNC_skip_macs", .programs = RECEIVER, .kind = SH_SETTING_LIST, FIELD(skip_macs),
     .fallback = "internet", .check = sh_check_skip_macs,
     .help = "devices with these MACs are never inserted", .hub = RECEIVER},
    {"SYNC_silent_after", .programs = RECEIVER, .kind = SH_SETTING_DURATION, FIELD(silent_after_s),
     .min = THRESHOLD_MIN_S, .max = THRESHOLD_MAX_S, .fallback = "15m",
     .help = "how long a node is without contact before it is silent; at least three of its "
             "intervals, unless `node silent-after` was used",
     .hub = RECEIVER},
    {"SYNC_late_after", .programs = RECEIVER, .kind = SH_SETTING_DURATION, FIELD(late_after_s),
     .min = THRESHOLD_MIN_S, .max = THRESHOLD_MAX_S, .fallback = "1m",
     .help = "how long a node is without contact before it is late; at least two of its intervals "
             "and a minute",
     .hub = RECEIVER},
    {"SYNC_never_after", .programs = RECEIVER, .kind = SH_SETTING_DURATION, FIELD(never_after_s),
     .min = THRESHOLD_MIN_S, .max = THRESHOLD_MAX_S, .fallback = "1d",
     .help = "how long a node is expected before it is a problem that it has never been seen",
     .hub = RECEIVER},
    {"SYNC_plugins_out", .programs = RECEIVER, .kind = SH_SETTING_TEXT, FIELD(plugins_out),
     .fallback = "",
     .help = "a NetAlertX hub's plugin log folder, to which tables and plugin results are written"},
    {"SYNC_BEHAVIOR", .programs = RECEIVER, .kind = SH_SETTING_CHOICE, FIELD(behavior),
     .choices = behaviors, .fallback = "copy-new",
     .help = "what a NetAlertX hub does with nodes' devices, as in NetAlertX"},
    {"SYNC_tls_cert", .programs = SH_FOR_ALL, .kind = SH_SETTING_TEXT, FIELD(tls_cert),
     .probe = true, .fallback = "", .check = sh_check_tls_cert,
     .help = "a PEM file with the certificate chain: the program listens with TLS"},
    {"SYNC_tls_key", .programs = SH_FOR_ALL, .kind = SH_SETTING_TEXT, FIELD(tls_key),
     .fallback = "", .check = sh_check_tls_key,
     .help = "a PEM file with the private key of SYNC_tls_cert"},
    {"SYNC_tls_ca", .programs = SH_FOR_ALL, .kind = SH_SETTING_TEXT, FIELD(tls_ca), .fallback = "",
     .check = sh_check_tls_ca,
     .help = "a PEM file with CA certificates to trust besides the system's"},
    {"SYNC_log_level", .programs = SH_FOR_ALL, .kind = SH_SETTING_CHOICE, FIELD(log_level),
     .probe = true, .choices = log_levels, .fallback = "info",
     .help = "the least severe level that is logged", .hub = PULLER | RECEIVER},
    {"SYNC_log_format", .programs = SH_FOR_ALL, .kind = SH_SETTING_CHOICE, FIELD(log_format),
     .probe = true, .choices = log_formats, .fallback = "text", .help = "the format of log lines"},
    {"SYNC_config_file", .programs = SH_FOR_ALL, .kind = SH_SETTING_TEXT, FIELD(config_file),
     .probe = true, .fallback = "", .help = "a NetAlertX app.conf to read settings from"},
};

const char *const sh_origin_names[] = {"default", "environment", "file", "hub"};

const size_t sh_setting_count = sizeof sh_setting_table / sizeof sh_setting_table[0];
static_assert(sizeof sh_setting_table / sizeof sh_setting_table[0] <= SH_SETTING_ROWS_MAX,
              "sh_settings.origins needs an element for each row");

const sh_setting *sh_setting_find(const char *name, int programs)
{
    for (size_t i = 0; i < sh_setting_count; i++) {
        const sh_setting *row = &sh_setting_table[i];
        if ((row->programs & programs) != 0 &&
            (sh_text_equals_ignoring_case(row->name, name) ||
             (row->alias != NULL && sh_text_equals_ignoring_case(row->alias, name))))
            return row;
    }
    return NULL;
}

size_t sh_setting_max(const sh_setting *row)
{
    return row->kind == SH_SETTING_LIST ? SH_SETTING_LIST_MAX : SH_SETTING_MAX;
}

void *sh_setting_field(const sh_setting *row, sh_settings *settings)
{
    return (char *)settings + row->offset;
}

const void *sh_setting_field_const(const sh_setting *row, const sh_settings *settings)
{
    return (const char *)settings + row->offset;
}
