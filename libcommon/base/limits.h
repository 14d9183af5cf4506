/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_LIMITS_H
#define SH_LIMITS_H

/*
 * Limits on everything a peer can influence. Check input against its limit before allocating memory
 * for it.
 */

#define SH_KIB 1024UL
#define SH_MIB (1024UL * 1024UL)

/* Names */
#define SH_NODE_NAME_CHARACTERS_MAX 50
#define SH_NODE_NAME_MAX 200  /* bytes of UTF-8: 4 for each character */
#define SH_PLUGIN_NAME_MAX 64 /* bytes, [A-Za-z0-9_] */
#define SH_MAC_MAX 64         /* characters of a device key, trimmed */
#define SH_MAC_MAX_BYTES 256  /* bytes of UTF-8: 4 for each character */

/* Payloads */
#define SH_PLAIN_MAX (64 * SH_MIB)    /* text of a device table or plugin result */
#define SH_TABLE_MAX (512 * SH_MIB)   /* text of a device table sent in parts */
#define SH_PART_MAX (16 * SH_MIB)     /* text of one part; larger tables are split */
#define SH_PART_ROWS_MAX 10000        /* rows of one part */
#define SH_PARTS_MAX 1024             /* parts of one table */
#define SH_ENVELOPE_MAX (16 * SH_MIB) /* header, compressed text, tag */
#define SH_ZSTD_WINDOW_LOG_MAX 23     /* decompression buffers at most 8 MiB besides the text */

/* A NetAlertX push: base64 of the encrypted text (4/3 of its length) and a few JSON fields. */
#define SH_NETALERTX_BODY_MAX (SH_PLAIN_MAX / 3 * 4 + 64 * SH_KIB)

/* JSON */
#define SH_JSON_DEPTH_MAX 32    /* nesting of a row, a body or a setting */
#define SH_ROW_MAX (4 * SH_MIB) /* one device row, as text: a comment of 250,000 letters fits */
#define SH_ROW_KEYS_MAX 1000    /* keys of one device row */
#define SH_ROWS_MAX 200000      /* rows of one table */
#define SH_COLUMNS_MAX 256      /* columns of a hub's Devices table */

/* Plugin results */
#define SH_PLUGIN_LINE_MAX (64 * SH_KIB) /* text of one line */
#define SH_PLUGIN_LINES_MAX 200000       /* lines of one result */

/* HTTP server */
#define SH_HTTP_CONNECTIONS_MAX 1024            /* lower if RLIMIT_NOFILE is low */
#define SH_HTTP_CONNECTIONS_PER_ADDRESS_MAX 256 /* of one IPv4 address or one IPv6 /64 */
#define SH_HTTP_CONNECTIONS_RESERVED 32         /* in addition, for probes such as /livez */
#define SH_HTTP_HEADER_BYTES_MAX (32 * SH_KIB)  /* request line and headers of one connection */
#define SH_HTTP_IDLE_TIMEOUT_S 30
#define SH_HTTP_HEADERS_MAX_S 60          /* to receive one request's headers, or send a refusal */
#define SH_HTTP_EXCHANGE_MAX_S 600        /* for the rest of the exchange */
#define SH_TLS_FILE_MAX (256 * SH_KIB)    /* a certificate chain or a key */
#define SH_HTTP_BODIES_MAX (256 * SH_MIB) /* total of all bodies being received */
#define SH_HTTP_SMALL_BODY (1 * SH_MIB)   /* largest body that may use the reserve: */
#define SH_HTTP_BODIES_RESERVED (32 * SH_MIB) /* part of SH_HTTP_BODIES_MAX for small bodies */
#define SH_HTTP_DISCARD_MAX (16 * SH_MIB)     /* of a refused body, read and discarded */
#define SH_HTTP_RETRY_AFTER_S 5

/* Console */
#define SH_CONSOLE_CONNECTIONS_MAX 128
#define SH_CONSOLE_BODY_MAX (256 * SH_KIB)
#define SH_CONSOLE_PASSWORD_MIN 12       /* bytes */
#define SH_CONSOLE_PASSWORD_MAX 1024     /* bytes */
#define SH_CONSOLE_SESSIONS_MAX 1000     /* the oldest ends */
#define SH_CONSOLE_SESSION_S (7 * 86400) /* from login to its end */
#define SH_CONSOLE_TOKENS_MAX 100
#define SH_CONSOLE_TOKEN_NAME_MAX 64 /* bytes, [A-Za-z0-9._-] */
#define SH_CONSOLE_LINK_S 3600       /* how long a link of `console link` is valid */
#define SH_CONSOLE_LINKS_MAX 20
#define SH_CONSOLE_LOGINS_FREE 5        /* failed logins of one address without waiting */
#define SH_CONSOLE_LOGIN_WAIT_MAX_S 60  /* after many: doubled with each, up to this */
#define SH_CONSOLE_LOGIN_PEERS_MAX 1024 /* addresses of failed logins that are remembered */
#define SH_CONSOLE_LOGIN_KNOWN_MAX 256  /* addresses that have logged in, too */
#define SH_CONSOLE_LOGINS_PER_S 10      /* passwords that are checked, of all addresses */
#define SH_CONSOLE_USER_MAX 200         /* bytes of the name that a proxy gives */
#define SH_CONSOLE_PAGE_MAX 1000        /* items of a page */
#define SH_CONSOLE_PAGE 100             /* the default */

/* HTTP client */
#define SH_HTTP_ERROR_BODY_MAX (64 * SH_KIB) /* of an error answer */
#define SH_PULL_SILENCE_MS 5000              /* of a node that is pulled, until its first byte */
#define SH_HEALTHCHECK_BODY_MAX SH_MIB
#define SH_HEALTHCHECK_MS 4000 /* below the usual timeout of container engines */

/* Settings */
#define SH_SETTING_MAX (64 * SH_KIB)     /* one value */
#define SH_SETTING_LIST_MAX (2 * SH_MIB) /* one list: SH_LIST_MAX URLs of 200 bytes */
#define SH_CONFIG_FILE_MAX (4 * SH_MIB)  /* an app.conf */
#define SH_SETTINGS_VERSION_BYTES 33     /* 32 hex digits or `none`, with the final NUL */
#define SH_HUB_SETTINGS_MAX (8 * SH_MIB) /* all that were made on the hub, as JSON */
#define SH_PROGRAMS_MAX 256              /* that report their settings … */
#define SH_PROGRAM_KEPT_S 30             /* … for this time */
#define SH_PROGRAM_REPORT_MAX (128 * SH_KIB)
#define SH_SETTING_REPORTED_MAX (2 * SH_KIB) /* of a value in a process's report */
#define SH_LIST_MAX 10000                    /* entries of a list */
#define SH_URL_MAX 2048                      /* bytes */

/* Queue; the HTTP answer over the first two is 503 */
#define SH_QUEUE_ENTRIES_MAX 100000
#define SH_QUEUE_BYTES_MAX (256 * SH_MIB)
#define SH_QUEUE_ITEM_IDS_MAX 200000     /* item ids kept in Redis to detect duplicates, … */
#define SH_QUEUE_NODE_ITEM_IDS_MAX 10000 /* … those of one node within this time; */
#define SH_QUEUE_ITEM_IDS_TTL_S (2 * SH_CLOCK_SKEW_MAX_S) /* a later replay is refused */
#define SH_MERGE_ATTEMPTS_MAX 5       /* of one entry, before it becomes a dead letter */
#define SH_QUEUE_SUSPECT_DELIVERIES 3 /* deliveries after which an entry is merged separately */
#define SH_DEAD_ENTRIES_MAX 100000    /* dead letters; the oldest are dropped */
#define SH_DEAD_BYTES_MAX (128 * SH_MIB)
#define SH_DEAD_NODE_ENTRIES_MAX 10000 /* of one node; its oldest are dropped */
#define SH_DEAD_NODE_BYTES_MAX (16 * SH_MIB)
#define SH_DEAD_REASON_MAX 400 /* bytes */

/* Share of one node in the queue; the answer to that node over it is 503 */
#define SH_QUEUE_NODE_ENTRIES_MAX 5000
#define SH_QUEUE_NODE_BYTES_MAX (32 * SH_MIB)
#define SH_QUEUE_NODE_SHARE 4 /* at most 1/4 of the free space */

/* Merge and database */
#define SH_MERGE_TRANSACTION_MS 1000       /* target duration of a transaction */
#define SH_MERGE_SHARED_TRANSACTION_MS 250 /* the same in a database shared with NetAlertX */
#define SH_ITEM_IDS_MAX 2000000            /* ids of merged items; the oldest are deleted */
#define SH_NODE_ITEM_IDS_MAX 50000         /* those of one node */
#define SH_ITEM_ID_TTL_S (8 * 24 * 3600)
#define SH_TABLES_PENDING_MAX 4     /* incomplete tables of one node */
#define SH_PARTS_PENDING_MAX 100000 /* parts of all incomplete tables; the oldest are deleted */
#define SH_NODE_METRICS_MAX 1000    /* nodes with series of their own in GET /metrics */
#define SH_NODE_RECORDS_MAX 100000  /* nodes in the database, or more with SYNC_max_nodes */
#define SH_NODE_RECORD_TTL_S (90L * 24 * 3600)      /* of a node that never sent a device */
#define SH_PRESENCE_NODE_ROWS_MAX (2 * SH_ROWS_MAX) /* devices that one node has seen */
/* Of all nodes; more with a higher SYNC_max_nodes. Those absent for the longest are deleted. */
#define SH_PRESENCE_ROWS_MAX 20000000
#define SH_PRESENCE_IP_MAX 64 /* bytes; a longer address is not stored */

/* Names of nodes without credentials of their own */
#define SH_NAMES_MAX 100000         /* default of SYNC_max_nodes */
#define SH_NAMES_IDLE_S (2 * 86400) /* idle for this long, a name can be forgotten */
#define SH_NAMES_FULL_PERCENT 90    /* of the maximum, from which idle names are forgotten */
#define SH_NAMES_BURST_SHARE 10     /* new names at once: 1/10 of the maximum */
#define SH_NAMES_REFILL_S 3600      /* and after that a full maximum in this time */
#define SH_NAMES_KNOWN_MAX 16384    /* names in a receiver's memory; a power of two */

/* What nodes report of themselves, and what is recorded of them */
#define SH_AGENT_MAX 64                 /* bytes of a User-Agent */
#define SH_INSTANCE_MAX 64              /* bytes */
#define SH_ADDRESS_MAX 63               /* bytes of an address as text */
#define SH_PROBLEM_KIND_MAX 24          /* bytes */
#define SH_PROBLEM_TEXT_MAX 400         /* bytes */
#define SH_NODE_LABELS_MAX 32           /* labels of one node … */
#define SH_NODE_LABELS_BYTES_MAX 1024   /* … in all, with their keys */
#define SH_NODE_LABEL_KEY_MAX 63        /* bytes, [A-Za-z0-9._-] */
#define SH_NODE_NOTE_MAX 500            /* bytes */
#define SH_QUEUE_REPORT_VALUE_MAX 560   /* bytes of one report in Redis */
#define SH_REPORTS_MAX 2000             /* nodes with a report that merge has not recorded yet */
#define SH_STRANGERS_MAX 1000           /* nodes with a problem that were never accepted */
#define SH_AUTH_FAILURES_MAX 1000       /* pairs of address and claimed name … */
#define SH_AUTH_FAILURES_ADDRESS_MAX 20 /* … of one address */
#define SH_HISTORY_HOURS (90 * 24)      /* that figures are kept */
#define SH_HISTORY_NODES_MAX 500        /* with figures of their own in one hour */

/* Nodes with credentials of their own */
#define SH_NODES_MAX 10000
#define SH_PUBLICATION_CHECK_MS 500                    /* of credentials in Redis */
#define SH_BLOCKLIST_NOTE_MAX 200                      /* bytes */
#define SH_NODE_RECORD_MAX (4 * SH_KIB)                /* the text of its credentials */
#define SH_NODE_CREDENTIALS_MAX 4                      /* valid at a time for one node */
#define SH_NODE_ROTATE_OVERLAP_S (7 * 24 * 3600)       /* old ones stay valid after a rotation */
#define SH_NODE_ROTATE_OVERLAP_MAX_S (90L * 24 * 3600) /* the longest overlap */
#define SH_NODE_USED_INTERVAL_S 60                     /* resolution of "last used" */
#define SH_TOKEN_LOOKUPS_PER_S 4 /* of unknown tokens: a new one may just have been created */

/* Time */
#define SH_CLOCK_SKEW_MAX_S 600        /* between an envelope's time and the hub's clock */
#define SH_FULL_TABLE_INTERVAL_S 86400 /* after which an unchanged table is sent in full */

/* Log: lines over a limit are counted and summarized after the window */
#define SH_LOG_QUEUE_MAX (64 * SH_KIB) /* bytes waiting for a slow standard error */
#define SH_LOG_WINDOW_MS 10000
#define SH_LOG_BURST 5         /* warnings and errors about one subject */
#define SH_LOG_INFO_BURST 100  /* lines of level info about one subject */
#define SH_LOG_PEER_BURST 100  /* warnings of one call site about one peer */
#define SH_LOG_SITE_BURST 1000 /* lines of one call site */

/* Pusher */
#define SH_SPOOL_ENTRIES_MAX 1000
#define SH_SPOOL_BYTES_MAX (64 * SH_MIB)
#define SH_SPOOL_REFUSED_MAX 100 /* items refused by the hub; the newest are kept */
#define SH_SPOOL_REFUSED_BYTES_MAX (64 * SH_MIB)
#define SH_SPOOL_REASON_MAX 400 /* bytes of the reason stored with each */

/* What a NetAlertX hub has not taken from its plugin log folder yet */
#define SH_HANDOVER_RESULTS_MAX 16       /* results of one plugin and node; the oldest go */
#define SH_HANDOVER_TABLE_S 3600         /* older presence is out of date */
#define SH_HANDOVER_RESULT_S (24 * 3600) /* a result is of little use after a day */
/* Copies of tables: a node in contact sends its table in full after SH_FULL_TABLE_INTERVAL_S. */
#define SH_HANDOVER_COPY_S (7 * 86400)
#define SH_HANDOVER_NODES_MAX 200000 /* contacts remembered; above that, all are forgotten */

#endif
