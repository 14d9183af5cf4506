/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_CONSOLE_REQUEST_H
#define RECEIVER_CONSOLE_REQUEST_H

#include "libcommon/base/limits.h"
#include "libcommon/config/settings.h"
#include "libcommon/crypto/crypto.h"
#include "libcommon/http/http_server.h"
#include "libcommon/json/json_read.h"
#include "receiver/console/console_decode.h"
#include "receiver/console/console_device_counts.h"
#include "receiver/console/console_job_runner.h"
#include "receiver/console/console_login_rate.h"

#include <stdbool.h>
#include <stdint.h>

/* What all requests of a console share. */
typedef struct {
    const sh_settings *settings;
    console_login_rate *rate;
    console_job_runner *jobs;
    console_device_counts *counts;
    bool has_tls;
    char start_code[SH_SECRET_TEXT_BYTES]; /* of the first visit's link; void once there is a
                                              password */
} console_context;

/* How a request proved who sends it. */
typedef enum { CONSOLE_NOBODY, CONSOLE_PASSWORD, CONSOLE_TOKEN, CONSOLE_PROXY } console_proof;

#define CONSOLE_USER_BYTES (SH_CONSOLE_USER_MAX + 1)

typedef struct {
    const console_context *console;
    sh_http_exchange *exchange;
    const char *parts[CONSOLE_PARTS_MAX]; /* of the path after /api/v1/, decoded */
    size_t parts_count;
    char path[CONSOLE_PATH_BYTES]; /* holds them */
    sh_json *body;                 /* NULL: there is none */
    console_proof proof;
    char user[CONSOLE_USER_BYTES]; /* `admin`, `token NAME`, or as the proxy says */
    bool read_only;
    int64_t expires_ms; /* of a session; 0: never */
} console_request;

/* As console_decode_path. */
bool console_request_read_path(console_request *request);

/*
 * Reads the body, which must be a JSON object with its content type. False: a problem was answered.
 * `optional`: there may be none.
 */
bool console_request_read_body(console_request *request, bool optional);

/*
 * A parameter of the query, decoded into ret; "" if it is absent. False if it is too long or no
 * text.
 */
bool console_request_query(const console_request *request, const char *name, char *ret,
                           size_t room);

/* The parameter `limit`, or SH_CONSOLE_PAGE. SH_E_FORMAT. */
sh_err console_request_limit(const console_request *request, int64_t *ret, sh_error *error);

/* Whether the request may change something: its method is none of GET and HEAD. */
bool console_request_changes(const console_request *request);

void console_request_reset(console_request *request);

#endif
