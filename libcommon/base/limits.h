/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_LIMITS_H
#define SH_LIMITS_H

/*
 * Everything a peer can influence has its limit here. What is over a limit is refused with a clear
 * error before memory is allocated for it.
 */

#define SH_KIB 1024UL
#define SH_MIB (1024UL * 1024UL)

/* Names */
#define SH_NODE_NAME_CHARACTERS_MAX 50
#define SH_NODE_NAME_MAX 200  /* bytes of UTF-8, in which so many characters fit */
#define SH_PLUGIN_NAME_MAX 64 /* bytes, [A-Za-z0-9_] */
#define SH_MAC_MAX 64         /* characters of a device key, after trimming */
#define SH_MAC_MAX_BYTES 256  /* the same in bytes of UTF-8 */

/* Payloads */
#define SH_PLAIN_MAX (64 * SH_MIB)    /* a device table or plugin result, as text */
#define SH_TABLE_MAX (512 * SH_MIB)   /* a device table that is pushed in parts, as text */
#define SH_PART_MAX (16 * SH_MIB)     /* a larger table is cut into parts of this size … */
#define SH_PART_ROWS_MAX 10000        /* … or of so many rows, whichever is reached first */
#define SH_PARTS_MAX 1024             /* parts of one table */
#define SH_ENVELOPE_MAX (16 * SH_MIB) /* a sealed envelope: header, compressed text, tag */
#define SH_ZSTD_WINDOW_LOG_MAX 23     /* 8 MiB: what decompression may allocate besides */

/* A NetAlertX push carries base64 of AES of the text inside JSON: 4/3 of it and some fields. */
#define SH_NETALERTX_BODY_MAX (SH_PLAIN_MAX / 3 * 4 + 64 * SH_KIB)

/* JSON */
#define SH_JSON_DEPTH_MAX 32      /* nesting of a row, a body or a setting */
#define SH_ROW_MAX (256 * SH_KIB) /* one device row, as text */
#define SH_ROWS_MAX 200000        /* rows of one table */
#define SH_COLUMNS_MAX 256        /* columns of a hub's Devices table */

/* Plugin results */
#define SH_PLUGIN_LINE_MAX (64 * SH_KIB) /* one line, as text */
#define SH_PLUGIN_LINES_MAX 200000       /* lines of one result */

/* HTTP server */
#define SH_HTTP_CONNECTIONS_MAX 1024            /* fewer where few files may be open */
#define SH_HTTP_CONNECTIONS_PER_ADDRESS_MAX 256 /* one address, or one /64 of IPv6 */
#define SH_HTTP_CONNECTIONS_RESERVED 32         /* over these, for probes such as /livez */
#define SH_HTTP_HEADER_BYTES_MAX (32 * SH_KIB)  /* request line and headers of one connection */
#define SH_HTTP_IDLE_TIMEOUT_S 30
#define SH_HTTP_HEADERS_MAX_S 60          /* for the headers of one request, and for a refusal */
#define SH_HTTP_EXCHANGE_MAX_S 600        /* for all that follows them */
#define SH_TLS_FILE_MAX (256 * SH_KIB)    /* a certificate chain or a key */
#define SH_HTTP_BODIES_MAX (256 * SH_MIB) /* all bodies that are being received, together */
#define SH_HTTP_SMALL_BODY (1 * SH_MIB)   /* bodies up to it find room among large ones, too: */
#define SH_HTTP_BODIES_RESERVED (32 * SH_MIB) /* so much of SH_HTTP_BODIES_MAX is theirs alone */
#define SH_HTTP_DISCARD_MAX (16 * SH_MIB)     /* of a refused body that is read to its end */
#define SH_HTTP_RETRY_AFTER_S 5

/* HTTP client */
#define SH_HTTP_ERROR_BODY_MAX (64 * SH_KIB) /* an answer that is only read for its error */
#define SH_HEALTHCHECK_MS 4000               /* less than what container engines wait for it */

/* Settings */
#define SH_SETTING_MAX (64 * SH_KIB)     /* one value */
#define SH_SETTING_LIST_MAX (2 * SH_MIB) /* one that is a list: SH_LIST_MAX URLs of 200 bytes */
#define SH_CONFIG_FILE_MAX (4 * SH_MIB)  /* an app.conf */
#define SH_LIST_MAX 10000                /* entries of a list setting */
#define SH_URL_MAX 2048                  /* bytes */

/* Queue */
#define SH_QUEUE_ENTRIES_MAX 100000       /* entries waiting, over it 503 */
#define SH_QUEUE_BYTES_MAX (256 * SH_MIB) /* bytes of them, over it 503 */
#define SH_QUEUE_TRIES_MAX 5              /* merges of one entry before the dead letters */
#define SH_QUEUE_SUSPECT_DELIVERIES 3     /* deliveries after which an entry is merged alone */
#define SH_ITEMS_MAX 2000000              /* items the database remembers as merged; oldest go */
#define SH_PART_TABLES_MAX 4              /* tables of one node of which parts are missing, … */
#define SH_PARTS_KEPT_MAX 100000          /* … and parts of them, of all nodes; oldest go */
#define SH_NODE_RECORDS_MAX 100000        /* nodes with figures in the database; see store_tidy() */
#define SH_NODE_RECORD_S (90L * 24 * 3600) /* one that never brought a device is kept so long */
#define SH_MERGE_TRANSACTION_MS 1000       /* a transaction of merge, as far as it can tell … */
#define SH_MERGE_SHARED_TRANSACTION_MS 250 /* … and in a database that NetAlertX waits for */
#define SH_DEAD_ENTRIES_MAX 100000         /* dead letters, over it the oldest are dropped */
#define SH_DEAD_BYTES_MAX (128 * SH_MIB)   /* bytes of them, over it the oldest are dropped */
#define SH_DEAD_REASON_MAX 400             /* bytes */
#define SH_ID_MEMORY_S (8 * 24 * 3600)     /* an item is remembered so long in the database */

/* Of one node in the queue, over them 503 to that node alone */
#define SH_QUEUE_NODE_ENTRIES_MAX 5000
#define SH_QUEUE_NODE_BYTES_MAX (32 * SH_MIB)
#define SH_QUEUE_NODE_PART 4 /* and no more than this part of what is free: a quarter */

#define SH_QUEUE_IDS_MAX 200000 /* items that the queue remembers, to tell duplicates */

/* Names of nodes that have no credentials of their own */
#define SH_NAMES_MAX 100000           /* known at a time, unless SYNC_max_nodes says otherwise */
#define SH_NAMES_SILENT_S (2 * 86400) /* silent for so long, a name makes room for others */
#define SH_NAMES_FULL_PERCENT 90      /* of the names that may be known: now room is made */
#define SH_NAMES_BURST_PART 10        /* new ones at once: this part of them, a tenth, … */
#define SH_NAMES_FILL_S 3600          /* … and then as many as fill all places in this time */

#define SH_NAMES_KNOWN_MAX 16384 /* names of nodes that a receiver remembers; a power of two */

/* Nodes with credentials of their own */
#define SH_NODES_MAX 10000
#define SH_NODE_CREDENTIALS_MAX 4              /* of one node, that work at the same time */
#define SH_NODE_ROTATE_S (7 * 24 * 3600)       /* old ones work so long after new ones are made */
#define SH_NODE_ROTATE_MAX_S (90L * 24 * 3600) /* and at most so long */
#define SH_NODE_USED_INTERVAL_S 60             /* when a node was seen is noted that often */
#define SH_TOKEN_LOOKUPS_PER_S 4 /* of unknown tokens: one may have been made just now */

/* Time */
#define SH_CLOCK_SKEW_MAX_S 600        /* between a node's envelope and the hub's clock */
#define SH_FULL_TABLE_INTERVAL_S 86400 /* an unchanged table is sent in full once a day */

/* Log */
#define SH_LOG_QUEUE_MAX (64 * SH_KIB) /* lines that standard error has not taken yet */
#define SH_LOG_WINDOW_MS 10000         /* lines over a limit are summed up for so long */
#define SH_LOG_BURST 5                 /* warnings and errors about one subject in that time … */
#define SH_LOG_INFO_BURST 100          /* … and lines of level info, as of a table in parts … */
#define SH_LOG_PEER_BURST 100          /* … warnings of one kind about one peer … */
#define SH_LOG_PLACE_BURST 1000        /* … and lines of one kind about all */

/* Pusher */
#define SH_SPOOL_ENTRIES_MAX 1000
#define SH_SPOOL_BYTES_MAX (64 * SH_MIB)
#define SH_SPOOL_REFUSED_MAX 100                 /* items that the hub refused, … */
#define SH_SPOOL_REFUSED_BYTES_MAX (64 * SH_MIB) /* … and bytes of them; the newest are kept */
#define SH_SPOOL_REASON_MAX 400                  /* bytes of what is told of each */

#endif
