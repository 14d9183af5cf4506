/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/merge/last_result_files.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/clock.h"
#include "libcommon/base/hex.h"
#include "libcommon/base/limits.h"
#include "libcommon/crypto/crypto.h"
#include "libcommon/os/file.h"
#include "receiver/merge/netalertx_table_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define FILE_MODE 0644 /* for NetAlertX's user; the folder's mode decides who may delete it */
#define COPY_MODE 0600
#define NODE_BYTES_MAX 120 /* of a node's name in a result's file name of 255 bytes */
#define COPY_NAME_BYTES (2 * 16 + 1)
#define PIECES_AT_ONCE 10 /* of the contacts, each about a thousand nodes */

/* When a node was in contact, and its table handed over. */
typedef struct {
    uint64_t node;      /* a hash of its name; 0: free slot */
    int64_t contact_ms; /* the last known contact */
    int64_t handed_ms;  /* when the table was merged; the contact of its push is older */
} contact;

struct last_result_files {
    const char *folder;
    char *copies;
    uint8_t key[SH_SHORT_KEY_BYTES];
    contact *contacts;
    size_t contacts_size, contacts_count; /* a power of two, at most three quarters in use */
    sh_queue_cursor cursor;               /* where the next call reads contacts */
    int64_t started_ms;
};

sh_err last_result_files_new(const char *folder, const char *db, last_result_files **ret,
                             sh_error *error)
{
    last_result_files *h = calloc(1, sizeof *h);
    if (h != NULL)
        h->copies = sh_text_format("%s.tables", db);
    if (h == NULL || h->copies == NULL) {
        last_result_files_free(h);
        return sh_fail(error, SH_E_MEMORY, "no memory to hand tables over");
    }
    h->folder = folder;
    h->started_ms = sh_clock_unix_ms();
    sh_random(h->key, sizeof h->key);
    if (mkdir(h->copies, 0700) != 0 && errno != EEXIST) {
        sh_err err =
            sh_fail(error, SH_E_IO,
                    "cannot create the folder %s, in which copies of the nodes' tables are "
                    "kept for NetAlertX: %s",
                    h->copies, strerror(errno));
        last_result_files_free(h);
        return err;
    }
    *ret = h;
    return SH_OK;
}

void last_result_files_free(last_result_files *h)
{
    if (h == NULL)
        return;
    free(h->copies);
    free(h->contacts);
    free(h);
}

/* --- Names of files -------------------------------------------------------------------------- */

/*
 * NetAlertX decrypts any file with `.encoded.` in its name, and uses the text after the first
 * `.decoded.` as the node's name.
 */
static void file_node(const char *node, size_t max, char ret[static SH_NODE_NAME_MAX + 1])
{
    size_t len = strlen(node);
    for (len = len < max ? len : max; len > 0 && ((unsigned char)node[len] & 0xc0) == 0x80;)
        len--; /* do not cut a character */
    memcpy(ret, node, len);
    ret[len] = '\0';
    for (char *at = ret; (at = strstr(at, ".encoded.")) != NULL;)
        at[0] = '_';
}

static sh_err table_path(const last_result_files *h, const char *node, unsigned number,
                         char ret[static PATH_MAX], sh_error *error)
{
    char name[SH_NODE_NAME_MAX + 1];
    file_node(node, SH_NODE_NAME_MAX, name);
    int len =
        snprintf(ret, PATH_MAX, "%s/last_result.SYNC.decoded.%s.%u.log", h->folder, name, number);
    return len > 0 && len < PATH_MAX
               ? SH_OK
               : sh_fail(error, SH_E_IO, "SYNC_plugins_out is too long a path");
}

static void copy_path(const last_result_files *h, const char *node, unsigned number,
                      char ret[static PATH_MAX])
{
    uint8_t hash[16];
    char hex[COPY_NAME_BYTES];
    sh_keyed_hash(NULL, sh_slice_of(node), hash, sizeof hash);
    sh_hex_encode(hash, sizeof hash, hex);
    (void)snprintf(ret, PATH_MAX, "%.*s/%s.%u.json", PATH_MAX - 64, h->copies, hex, number);
}

bool last_result_files_has_copy(const last_result_files *h, const char *node)
{
    char path[PATH_MAX];
    copy_path(h, node, 1, path);
    return access(path, R_OK) == 0;
}

/* --- Contacts -------------------------------------------------------------------------------- */

static contact *find_contact(const last_result_files *h, uint64_t node)
{
    size_t at = (size_t)node & (h->contacts_size - 1);
    while (h->contacts[at].node != 0 && h->contacts[at].node != node)
        at = (at + 1) & (h->contacts_size - 1);
    return &h->contacts[at];
}

/*
 * Makes room. Names that the queue forgot stay here, so that all are forgotten at a limit: each
 * node's next contact then counts as its first.
 */
static sh_err grow_contacts(last_result_files *h, sh_error *error)
{
    if (h->contacts_count >= SH_HANDOVER_NODES_MAX) {
        memset(h->contacts, 0, h->contacts_size * sizeof *h->contacts);
        h->contacts_count = 0;
        return SH_OK;
    }
    last_result_files larger = *h;
    larger.contacts_size = h->contacts_size == 0 ? 64 : 2 * h->contacts_size;
    larger.contacts = calloc(larger.contacts_size, sizeof *larger.contacts);
    if (larger.contacts == NULL)
        return sh_fail(error, SH_E_MEMORY, "no memory to hand tables over");
    for (size_t i = 0; i < h->contacts_size; i++)
        if (h->contacts[i].node != 0)
            *find_contact(&larger, h->contacts[i].node) = h->contacts[i];
    free(h->contacts);
    *h = larger;
    return SH_OK;
}

/* Finds or adds the node's record; SH_E_MEMORY. */
static sh_err get_contact(last_result_files *h, sh_slice node, contact **ret, sh_error *error)
{
    if (4 * (h->contacts_count + 1) > 3 * h->contacts_size) {
        sh_err err = grow_contacts(h, error);
        if (err != SH_OK)
            return err;
    }
    *ret = find_contact(h, sh_short_hash(h->key, node) | 1);
    if ((*ret)->node == 0) {
        **ret = (contact){.node = sh_short_hash(h->key, node) | 1, .handed_ms = h->started_ms - 1};
        h->contacts_count++;
    }
    return SH_OK;
}

/* --- Device tables --------------------------------------------------------------------------- */

/* Removes further parts of an earlier table that had more of them. */
static sh_err remove_parts_from(const last_result_files *h, const char *node, unsigned number,
                                sh_error *error)
{
    for (;; number++) {
        char copy[PATH_MAX], path[PATH_MAX];
        copy_path(h, node, number, copy);
        if (access(copy, F_OK) != 0)
            return SH_OK;
        sh_err err = table_path(h, node, number, path, error);
        if (err == SH_OK)
            err = sh_file_remove(path, error);
        if (err == SH_OK)
            err = sh_file_remove(copy, error);
        if (err != SH_OK)
            return err;
    }
}

sh_err last_result_files_table(last_result_files *h, const sh_envelope_header *header,
                               sh_slice text, const skip_rules *skip, sh_error *error)
{
    char copy[PATH_MAX], path[PATH_MAX];
    unsigned number = header->part + 1;
    SH_CLEANUP(sh_buf_reset) sh_buf table = SH_BUF_INIT(2 * SH_PLAIN_MAX);
    sh_error invalid = {0};
    sh_err err = netalertx_table_file_write(text, skip, &table, &invalid);
    if (err == SH_E_FORMAT || err == SH_E_LIMIT)
        return SH_OK;
    if (err != SH_OK)
        return sh_fail(error, err, "%s", invalid.message);
    copy_path(h, header->node, number, copy);
    err = table_path(h, header->node, number, path, error);
    if (err == SH_OK)
        err = sh_file_write(copy, (sh_slice){table.data, table.len}, COPY_MODE, error);
    if (err == SH_OK)
        err = sh_file_write(path, (sh_slice){table.data, table.len}, FILE_MODE, error);
    if (err == SH_OK && number == header->parts)
        err = remove_parts_from(h, header->node, number + 1, error);
    contact *known = NULL;
    if (err == SH_OK)
        err = get_contact(h, sh_slice_of(header->node), &known, error);
    if (err == SH_OK)
        known->handed_ms = sh_clock_unix_ms();
    return err;
}

static sh_err hand_over_again(const last_result_files *h, const char *node, sh_error *error)
{
    for (unsigned number = 1;; number++) {
        char copy[PATH_MAX], path[PATH_MAX];
        SH_CLEANUP(sh_buf_reset) sh_buf table = SH_BUF_INIT(2 * SH_PLAIN_MAX);
        copy_path(h, node, number, copy);
        sh_err err = sh_file_read(copy, &table, NULL, NULL);
        if (err == SH_E_NOT_FOUND)
            return SH_OK;
        if (err != SH_OK)
            return sh_fail(error, err, "cannot read %s", copy);
        err = table_path(h, node, number, path, error);
        if (err == SH_OK)
            err = sh_file_write(path, (sh_slice){table.data, table.len}, FILE_MODE, error);
        if (err != SH_OK)
            return err;
    }
}

/* --- Handing over again ---------------------------------------------------------------------- */

/* Contacts before this program's start were handled by the previous process, or are too old. */
static sh_err on_contact(void *context, sh_slice node, sh_slice mode, int64_t ms, sh_error *error)
{
    last_result_files *h = context;
    char name[SH_NODE_NAME_MAX + 1];
    (void)mode;
    if (node.len >= sizeof name)
        return SH_OK;
    memcpy(name, node.data, node.len);
    name[node.len] = '\0';
    contact *known = NULL;
    sh_err err = get_contact(h, node, &known, error);
    if (err != SH_OK)
        return err;
    /* An earlier time than the last one means that the clock was set. */
    if (ms != known->contact_ms && (ms > known->handed_ms || ms < known->contact_ms))
        err = hand_over_again(h, name, error);
    if (err == SH_OK)
        known->contact_ms = ms;
    return err;
}

sh_err last_result_files_contacts(last_result_files *h, sh_queue *queue, sh_error *error)
{
    sh_err err = SH_OK;
    int pieces = 0;
    do
        err = sh_queue_contacts_next(queue, &h->cursor, on_contact, h, error);
    while (err == SH_OK && ++pieces < PIECES_AT_ONCE && !sh_queue_cursor_at_start(&h->cursor));
    return err;
}

/* --- Plugin results -------------------------------------------------------------------------- */

/*
 * NetAlertX's SYNC plugin reads results of other plugins as JSON, too, and fails, with the tables
 * of all nodes, at JSON that is not a table. A first line without '|' makes a result invalid JSON;
 * the plugin whose result it is ignores that line.
 */
static const char NO_JSON[] = "# a plugin result\n";

/* Whether it can be JSON that contains a '|', as a result does. */
static bool resembles_json(sh_slice text)
{
    sh_slice rest = sh_slice_trim(text);
    return rest.len > 0 && memchr("{[\"", rest.data[0], 3) != NULL;
}

static sh_err write_result(const char *path, sh_slice text, sh_error *error)
{
    if (!resembles_json(text))
        return sh_file_write(path, text, FILE_MODE, error);
    SH_CLEANUP(sh_buf_reset) sh_buf file = SH_BUF_INIT(sizeof NO_JSON + text.len);
    if (sh_buf_append_text(&file, NO_JSON) != SH_OK ||
        sh_buf_append(&file, text.data, text.len) != SH_OK)
        return sh_fail(error, SH_E_MEMORY, "no memory to hand plugin results over");
    return sh_file_write(path, (sh_slice){file.data, file.len}, FILE_MODE, error);
}

sh_err last_result_files_result(last_result_files *h, const sh_envelope_header *header,
                                sh_slice text, sh_error *error)
{
    char name[SH_NODE_NAME_MAX + 1], path[PATH_MAX], oldest[PATH_MAX] = "";
    struct timespec oldest_time = {0};
    file_node(header->node, NODE_BYTES_MAX, name);
    for (unsigned number = 1; number <= SH_HANDOVER_RESULTS_MAX; number++) {
        struct stat st;
        int len = snprintf(path, sizeof path, "%s/last_result.%s.decoded.%s.%u.log", h->folder,
                           header->plugin, name, number);
        if (len < 0 || len >= PATH_MAX)
            return sh_fail(error, SH_E_IO, "SYNC_plugins_out is too long a path");
        if (stat(path, &st) != 0)
            return write_result(path, text, error);
        bool older =
            st.st_mtim.tv_sec < oldest_time.tv_sec ||
            (st.st_mtim.tv_sec == oldest_time.tv_sec && st.st_mtim.tv_nsec < oldest_time.tv_nsec);
        if (oldest[0] == '\0' || older) {
            memcpy(oldest, path, sizeof oldest);
            oldest_time = st.st_mtim;
        }
    }
    return write_result(oldest, text, error); /* NetAlertX has read none of them */
}

/* --- Old files ------------------------------------------------------------------------------- */

/* The age in seconds above which a file is old; 0 for files that are not ours. */
typedef int64_t (*age_max_of)(const char *name);

static int64_t handed_age_max(const char *name)
{
    if (strncmp(name, "last_result.SYNC.decoded.", 25) == 0)
        return SH_HANDOVER_TABLE_S;
    bool result = strncmp(name, "last_result.", 12) == 0 && strstr(name, ".decoded.") != NULL;
    return result ? SH_HANDOVER_RESULT_S : 0;
}

static int64_t copy_age_max(const char *name)
{
    size_t hex = strspn(name, "0123456789abcdef");
    const char *end = strrchr(name, '.');
    bool copy = hex == COPY_NAME_BYTES - 1 && name[hex] == '.' && strcmp(end, ".json") == 0;
    return copy ? SH_HANDOVER_COPY_S : 0;
}

static void delete_old_in(const char *folder, age_max_of age_max)
{
    DIR *dir = opendir(folder);
    int64_t now_s = sh_clock_unix_ms() / 1000;
    const struct dirent *entry;
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        struct stat st;
        int64_t age_max_s = age_max(entry->d_name);
        if (age_max_s > 0 && fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG(st.st_mode) && st.st_uid == geteuid() && now_s - st.st_mtime > age_max_s)
            (void)unlinkat(dirfd(dir), entry->d_name, 0);
    }
    if (dir != NULL)
        (void)closedir(dir);
}

void last_result_files_delete_old(last_result_files *h)
{
    delete_old_in(h->folder, handed_age_max);
    delete_old_in(h->copies, copy_age_max);
    sh_folder_remove_temporary(h->folder, SH_HANDOVER_TABLE_S);
    sh_folder_remove_temporary(h->copies, SH_HANDOVER_TABLE_S);
}
