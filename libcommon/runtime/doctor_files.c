/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/runtime/doctor_files.h"

#include <sys/stat.h>

/* Returns whether a file is open to others. */
static bool check_mode(sh_doctor_report *report, const char *setting, const char *path)
{
    struct stat st;
    if (path[0] == '\0' || stat(path, &st) != 0 || (st.st_mode & (S_IROTH | S_IWOTH)) == 0)
        return false;
    sh_doctor_add_format(report, SH_CHECK_WARNING, "file modes",
                         "chmod o-rwx that file, and give it to the program's user",
                         "%s (%s) can be %s by all users", path, setting,
                         (st.st_mode & S_IROTH) != 0 ? "read" : "changed");
    return true;
}

void sh_doctor_check_modes(sh_doctor_report *report, const sh_settings *settings)
{
    const struct {
        const char *setting, *path;
    } files[] = {{"SYNC_tls_key", settings->tls_key},
                 {"SYNC_config_file", settings->config_file},
                 {"beside SYNC_config_file", settings->override_file}};
    size_t open = 0;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        open += check_mode(report, files[i].setting, files[i].path);
    for (size_t i = 0; i < settings->secret_files.count; i++)
        open += check_mode(report, "a secret setting", settings->secret_files.items[i]);
    if (open == 0)
        sh_doctor_add(report, SH_CHECK_OK, "file modes",
                      "no file with secrets can be read or changed by all users", NULL);
}
