/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/console/console_dead_letters.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/json/json_write.h"
#include "receiver/console/console_reply.h"
#include "receiver/operate/dead_letter_facts.h"

#include <string.h>

#define JSON_LETTER_MAX (16 * SH_KIB)

static sh_err open_queue(const console_request *request, sh_queue **ret, sh_error *error)
{
    const sh_queue_options options = sh_queue_options_of(request->console->settings);
    return sh_queue_open(&options, ret, error);
}

/* --- The list -------------------------------------------------------------------------------- */

typedef struct {
    char after[QUEUE_ENTRY_ID_BYTES]; /* the last one of the page before; "": none */
    char node[SH_NODE_NAME_MAX + 1];  /* "": all */
    int64_t limit;
} letters_query;

typedef struct {
    const letters_query *query;
    sh_buf json;
    int64_t count;
    char last[QUEUE_ENTRY_ID_BYTES];
    bool more; /* than the page has */
} letters_page;

static sh_err read_query(const console_request *request, letters_query *ret, sh_error *error)
{
    if (!console_request_query(request, "after", ret->after, sizeof ret->after))
        return sh_fail(error, SH_E_FORMAT, "`after` must be the `next` of the page before");
    if (!console_request_query(request, "node", ret->node, sizeof ret->node))
        return sh_fail(error, SH_E_FORMAT, "`node` is too long or no text");
    return console_request_limit(request, &ret->limit, error);
}

static sh_err add_letter(void *context, const dead_letter *dead, sh_error *error)
{
    letters_page *page = context;
    dead_letter_facts letter;
    dead_letter_facts_read(dead, &letter);
    if (page->query->node[0] != '\0' && strcmp(letter.header.node, page->query->node) != 0)
        return SH_OK;
    page->more = page->count == page->query->limit;
    if (page->more)
        return SH_E_STOPPED;
    sh_err err = sh_buf_append_text(&page->json, page->count > 0 ? ",\n" : "");
    if (err == SH_OK)
        err = dead_letter_json_write(&page->json, &letter);
    if (err != SH_OK)
        return sh_fail(error, err, "the page is too large: ask for fewer dead letters");
    page->count++;
    memcpy(page->last, letter.id, sizeof page->last);
    return SH_OK;
}

static sh_err read_page(sh_queue *queue, letters_page *page, sh_error *error)
{
    const char *after = page->query->after[0] == '\0' ? "0-0" : page->query->after;
    sh_err err = dead_letters_list_after(queue, after, add_letter, page, error);
    return err == SH_E_STOPPED && error->code == SH_OK ? SH_OK : err;
}

void console_list_dead_letters(console_request *request)
{
    letters_query query = {.limit = 0};
    letters_page page = {.query = &query,
                         .json = SH_BUF_INIT(SH_CONSOLE_PAGE_MAX * JSON_LETTER_MAX)};
    sh_error error = {.code = SH_OK};
    sh_queue *queue = NULL;
    sh_err err = read_query(request, &query, &error);
    if (err == SH_OK)
        err = open_queue(request, &queue, &error);
    if (err == SH_OK)
        err = sh_buf_append_text(&page.json, "{\"items\":[");
    if (err == SH_OK)
        err = read_page(queue, &page, &error);
    sh_queue_free(queue);
    if (err == SH_OK)
        err = sh_buf_append_text(&page.json, "],\"next\":");
    if (err == SH_OK)
        err = page.more ? sh_json_write_string(&page.json, sh_slice_of(page.last))
                        : sh_buf_append_text(&page.json, "null");
    if (err == SH_OK)
        err = sh_buf_append_text(&page.json, "}\n");
    console_reply_json(request->exchange, err, &page.json, &error);
    sh_buf_reset(&page.json);
}

/* --- One ------------------------------------------------------------------------------------- */

static sh_err keep_letter(void *context, const dead_letter *dead, sh_error *error)
{
    (void)error;
    dead_letter_facts_read(dead, context);
    return SH_OK;
}

void console_show_dead_letter(console_request *request)
{
    SH_CLEANUP(sh_buf_reset) sh_buf json = SH_BUF_INIT(JSON_LETTER_MAX);
    dead_letter_facts letter;
    sh_error error = {.code = SH_OK};
    sh_queue *queue = NULL;
    sh_err err = open_queue(request, &queue, &error);
    if (err == SH_OK)
        err = dead_letters_get(queue, request->parts[1], keep_letter, &letter, &error);
    sh_queue_free(queue);
    if (err == SH_OK)
        err = dead_letter_json_write(&json, &letter);
    console_reply_json(request->exchange, err, &json, &error);
}

static void change(console_request *request,
                   sh_err (*function)(sh_queue *queue, const char *id, sh_error *error))
{
    sh_error error = {.code = SH_OK};
    sh_queue *queue = NULL;
    sh_err err = open_queue(request, &queue, &error);
    if (err == SH_OK)
        err = function(queue, request->parts[1], &error);
    sh_queue_free(queue);
    if (err != SH_OK)
        console_reply_failure(request->exchange, &error);
    else
        console_reply_empty(request->exchange, 204);
}

void console_retry_dead_letter(console_request *request)
{
    change(request, dead_letters_retry);
}

void console_drop_dead_letter(console_request *request)
{
    change(request, dead_letters_drop);
}
