/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/cli/adopt_command.h"

#include "libcommon/runtime/service.h"
#include "receiver/cli/show_output.h"
#include "receiver/merge/credentials_publication.h"
#include "receiver/merge/database_check.h"

#include <stdio.h>

static sh_err adopt(const sh_settings *settings, sh_error *error)
{
    const sh_queue_options options = sh_queue_options_of(settings);
    store *s = NULL;
    sh_queue *queue = NULL;
    size_t taken = 0;
    int64_t count = 0;
    sh_err err = store_prepare(settings->db, error);
    if (err == SH_OK)
        err = store_open(settings->db, STORE_READ_WRITE, &s, error);
    if (err == SH_OK)
        err = sh_queue_open(&options, &queue, error);
    if (err == SH_OK)
        err = database_adopt(s, queue, error);
    if (err == SH_OK)
        err = credentials_take_over(s, queue, &taken, error);
    if (err == SH_OK)
        err = credentials_publish(s, queue, &count, error);
    sh_queue_free(queue);
    store_close(s);
    return err;
}

int adopt_database(const sh_settings *settings, int argc, char *const argv[])
{
    static const show_command command = {.name = "adopt", .usage = "adopt"};
    sh_error error = {.code = SH_OK};
    show_options options;
    sh_err err = show_options_read(&command, argc, argv, &options, &error);
    if (err == SH_OK)
        err = adopt(settings, &error);
    if (err != SH_OK)
        return show_failure(&command, &error, stderr);
    (void)puts("From now on the queue is merged into the database of SYNC_db, and its credentials "
               "of nodes "
               "are valid. Devices that only the former database has are not moved.");
    return SH_EXIT_DONE;
}
