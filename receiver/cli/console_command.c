/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/cli/console_command.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/clock.h"
#include "libcommon/runtime/service.h"
#include "receiver/cli/show_output.h"
#include "receiver/console/console.h"
#include "receiver/console/console_password.h"
#include "receiver/console/console_token.h"
#include "receiver/operate/hub_connections.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

static sh_err prepare(const sh_settings *settings, sh_error *error)
{
    sh_err err = hub_connections_check_role(settings, error);
    return err == SH_OK ? store_prepare(settings->db, error) : err;
}

static int finish(const show_command *command, sh_err err, sh_error *error)
{
    if (err == SH_OK)
        err = show_written(stdout, true, error);
    return err == SH_OK ? SH_EXIT_DONE : show_failure(command, error, stderr);
}

/* --- link ------------------------------------------------------------------------------------ */

int console_link(const sh_settings *settings, int argc, char *const argv[])
{
    static const show_command command = {.name = "console link", .usage = "console link"};
    char url[CONSOLE_URL_BYTES], code[SH_SECRET_TEXT_BYTES];
    sh_error error = {.code = SH_OK};
    (void)argv;
    sh_err err = argc == 0 ? SH_OK : sh_fail(&error, SH_E_CONFIG, "usage: %s", command.usage);
    if (err == SH_OK && settings->console_password[0] != '\0')
        err = sh_fail(&error, SH_E_REFUSED,
                      "the password is that of SYNC_console_password: change it there");
    if (err == SH_OK)
        err = prepare(settings, &error);
    if (err == SH_OK)
        err = console_code_add(settings, code, &error);
    if (err == SH_OK) {
        /* The port that a receiver chose is in its log only. */
        console_url_write(settings, 0, settings->tls_cert[0] != '\0', url);
        (void)printf("%s/#/password?code=%s\n", url, code);
    }
    return finish(&command, err, &error);
}

/* --- password -------------------------------------------------------------------------------- */

/* Reads a line from the terminal without showing it, or from a file or pipe. */
static sh_err read_secret(const char *prompt, char *ret, size_t room, sh_error *error)
{
    struct termios before, hidden;
    bool is_terminal = tcgetattr(STDIN_FILENO, &before) == 0;
    if (is_terminal) {
        hidden = before;
        hidden.c_lflag &= (tcflag_t)~ECHO;
        (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
        (void)fprintf(stderr, "%s: ", prompt);
    }
    bool read = fgets(ret, (int)room, stdin) != NULL;
    if (is_terminal) {
        (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
        (void)fputc('\n', stderr);
    }
    if (!read)
        return sh_fail(error, SH_E_CONFIG, "no password was entered");
    ret[strcspn(ret, "\r\n")] = '\0';
    return SH_OK;
}

static sh_err read_password(char ret[static SH_CONSOLE_PASSWORD_MAX + 3], sh_error *error)
{
    char again[SH_CONSOLE_PASSWORD_MAX + 3];
    sh_err err = read_secret("New password of the console", ret, sizeof again, error);
    if (err == SH_OK)
        err = console_password_check(ret, error);
    if (err != SH_OK || isatty(STDIN_FILENO) == 0)
        return err;
    err = read_secret("The same again", again, sizeof again, error);
    if (err == SH_OK && strcmp(ret, again) != 0)
        err = sh_fail(error, SH_E_CONFIG, "the two passwords differ");
    sh_wipe(again, sizeof again);
    return err;
}

int console_password_command(const sh_settings *settings, int argc, char *const argv[])
{
    static const show_command command = {.name = "console password", .usage = "console password"};
    char password[SH_CONSOLE_PASSWORD_MAX + 3];
    sh_error error = {.code = SH_OK};
    (void)argv;
    sh_err err = argc == 0 ? SH_OK : sh_fail(&error, SH_E_CONFIG, "usage: %s", command.usage);
    if (err == SH_OK)
        err = prepare(settings, &error);
    if (err == SH_OK)
        err = read_password(password, &error);
    if (err == SH_OK)
        err = console_password_set(settings, password, &error);
    sh_wipe(password, sizeof password);
    if (err == SH_OK)
        (void)puts("The password is set; all sessions have ended.");
    return finish(&command, err, &error);
}

/* --- token ----------------------------------------------------------------------------------- */

int console_token_add_command(const sh_settings *settings, int argc, char *const argv[])
{
    static const show_command command = {.name = "console token add",
                                         .usage = CONSOLE_TOKEN_ADD_USAGE};
    console_token token = {.created_ms = sh_clock_unix_ms()};
    char secret[SH_SECRET_TEXT_BYTES];
    sh_error error = {.code = SH_OK};
    const char *name = NULL;
    bool valid = true;
    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "--read-only") == 0)
            token.read_only = true;
        else if (name == NULL && argv[i][0] != '-')
            name = argv[i];
        else
            valid = false;
    }
    valid = valid && name != NULL && strlen(name) <= SH_CONSOLE_TOKEN_NAME_MAX;
    sh_err err = valid ? SH_OK : sh_fail(&error, SH_E_CONFIG, "usage: %s", command.usage);
    if (err == SH_OK)
        err = prepare(settings, &error);
    if (err == SH_OK) {
        (void)snprintf(token.name, sizeof token.name, "%s", name);
        err = console_token_add(settings, &token, secret, &error);
    }
    if (err == SH_OK)
        (void)puts(secret);
    return finish(&command, err, &error);
}

enum { NAME, ACCESS, CREATED, LAST_USED, COLUMNS };

static void cell_of(void *context, size_t row, size_t column, char ret[static SHOW_CELL_BYTES])
{
    const console_token *token = &((const console_token_list *)context)->items[row];
    if (column == CREATED)
        show_time(token->created_ms, "?", ret);
    else if (column == LAST_USED)
        show_time(token->used_ms, "never", ret);
    else
        (void)snprintf(ret, SHOW_CELL_BYTES, "%s",
                       column == NAME     ? token->name
                       : token->read_only ? "read-only"
                                          : "read and write");
}

static sh_err write_list(console_token_list *list, bool json, sh_error *error)
{
    static const show_column columns[COLUMNS] = {
        {"NAME", false}, {"ACCESS", false}, {"CREATED", false}, {"LAST USED", false}};
    SH_CLEANUP(sh_buf_reset) sh_buf text = SH_BUF_INIT(64 * SH_KIB);
    if (!json && list->count == 0)
        (void)puts("There are no tokens.");
    else if (!json)
        show_table(stdout, &(show_cells){columns, COLUMNS, list->count, cell_of, list});
    else if (console_token_list_write(list, &text) != SH_OK)
        return sh_fail(error, SH_E_MEMORY, "out of memory");
    else
        (void)fputs(text.data, stdout);
    return SH_OK;
}

int console_token_list_command(const sh_settings *settings, int argc, char *const argv[])
{
    static const show_command command = {.name = "console token list",
                                         .usage = CONSOLE_TOKEN_LIST_USAGE};
    sh_error error = {.code = SH_OK};
    show_options options;
    console_token_list list = {.count = 0};
    store *s = NULL;
    sh_err err = show_options_read(&command, argc, argv, &options, &error);
    if (err == SH_OK)
        err = prepare(settings, &error);
    if (err == SH_OK)
        err = console_record_open(settings, &s, &error);
    if (err == SH_OK)
        err = console_token_list_read(s, &list, &error);
    store_close(s);
    if (err == SH_OK)
        err = write_list(&list, options.json, &error);
    return finish(&command, err, &error);
}

int console_token_revoke_command(const sh_settings *settings, int argc, char *const argv[])
{
    static const show_command command = {.name = "console token revoke",
                                         .usage = "console token revoke NAME"};
    sh_error error = {.code = SH_OK};
    sh_err err = argc == 1 ? SH_OK : sh_fail(&error, SH_E_CONFIG, "usage: %s", command.usage);
    if (err == SH_OK)
        err = prepare(settings, &error);
    if (err == SH_OK)
        err = console_token_revoke(settings, argv[0], &error);
    if (err == SH_OK)
        (void)puts("revoked");
    return finish(&command, err, &error);
}
