/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_SETTINGS_H
#define SH_SETTINGS_H

#include "libcommon/base/error.h"
#include "libcommon/config/cron.h"
#include "libcommon/netalertx/app_conf_list.h"
#include "libcommon/os/file.h"

#include <stdbool.h>
#include <stdint.h>

/* Programs, as a bit mask. */
enum {
    SH_FOR_PUSHER = 1,
    SH_FOR_PULLER = 2,
    SH_FOR_RECEIVER = 4,
    SH_FOR_ALL = 7,
};

typedef enum {
    SH_RUN_DISABLED,
    SH_RUN_ONCE,
    SH_RUN_SCHEDULE,
    SH_RUN_ALWAYS_AFTER_SCAN,
    SH_RUN_ON_NEW_DEVICE,
    SH_RUN_UNUSED, /* only while settings are read: SH_RUN_DISABLED and run_is_unused */
} sh_run;

typedef enum { SH_PROTOCOL_NATIVE, SH_PROTOCOL_NETALERTX, SH_PROTOCOL_ANY } sh_protocol;
typedef enum { SH_ROLE_ALL, SH_ROLE_INGEST, SH_ROLE_MERGE, SH_ROLE_CONSOLE } sh_role;

/* NetAlertX's SYNC_BEHAVIOR; others than the first only if a NetAlertX is the hub. */
typedef enum {
    SH_BEHAVIOR_COPY_NEW,
    SH_BEHAVIOR_HUB_DEFAULTS, /* the hub makes the devices itself, with its own defaults */
    SH_BEHAVIOR_CARBON_COPY,  /* the hub takes over all but MAC and presence */
} sh_behavior;

typedef enum { SH_LOG_ERROR, SH_LOG_WARNING, SH_LOG_INFO, SH_LOG_DEBUG } sh_log_level;
typedef enum { SH_LOG_TEXT, SH_LOG_JSON } sh_log_format;

#define SH_SETTING_ROWS_MAX 48 /* rows of sh_setting_table */

/* The validated settings. Strings are never NULL; an unset one is "". */
typedef struct {
    int run;              /* sh_run */
    bool run_is_unused;   /* SYNC_RUN=unused, NetAlertX's default, disables it */
    char *run_schedule;   /* as written */
    sh_cron cron;         /* run_schedule, parsed */
    char *api_token;      /* secret */
    char *encryption_key; /* secret */
    char *node_name;
    char *hub_url; /* without a trailing slash */
    bool devices;
    sh_list plugins;
    char *devices_file;
    int64_t table_max_age_s; /* 0: no limit */
    char *plugins_dir;
    char *spool_dir;
    int protocol;  /* sh_protocol */
    sh_list nodes; /* `URL` or `name=URL` */
    int64_t run_timeout_s;
    char *redis_url; /* can contain a password */
    char *redis_prefix;
    bool redis_durable;     /* accept nothing unless Redis is configured to persist it */
    int64_t redis_replicas; /* on which an entry must be before it is confirmed */
    int64_t max_nodes;      /* names of nodes without credentials of their own */
    char *db;               /* can contain a password */
    int64_t claim_idle_s;
    int role;                      /* sh_role */
    char *listen;                  /* "": do not listen */
    char *console_listen;          /* "": no console */
    char *console_password;        /* secret; "": that of the database */
    sh_list console_trusted_proxy; /* addresses and networks whose Remote-User is believed */
    sh_list console_url;           /* URLs under which the console is reached */
    sh_list skip_macs;
    int64_t silent_after_s, late_after_s; /* at least, besides the node's intervals */
    int64_t never_after_s;                /* of a node that is expected */
    char *plugins_out;
    int behavior;   /* sh_behavior */
    char *tls_cert; /* file with the server's certificate chain, or "" */
    char *tls_key;  /* file with its private key, or "" */
    char *tls_ca;   /* file with additional CA certificates for clients, or "" */
    int log_level;  /* sh_log_level */
    int log_format; /* sh_log_format */
    char *config_file;
    char *override_file; /* app_conf_override.json beside it, which may be missing; or "" */
    sh_file_stamp config_stamp, override_stamp; /* of these two files as they were read */
    sh_list secret_files; /* paths of files from which secret settings were read */
    sh_list warnings;     /* sentences to log at startup, for example about unknown names */
    unsigned char origins[SH_SETTING_ROWS_MAX]; /* sh_origin of each row */
} sh_settings;

#endif
