/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/version.h"

static const char *build_commit = "unknown";
static const char *build_program = "unknown";

void sh_version_init(const char *program, const char *commit)
{
    build_program = program;
    if (commit != NULL)
        build_commit = commit;
}

void sh_version_print(const char *name, sh_library_version *const libraries[], FILE *out)
{
    (void)fprintf(out, "synchub-%s " SYNCHUB_VERSION " (%s)\n", name, build_commit);
    for (size_t i = 0; libraries != NULL && libraries[i] != NULL; i++) {
        char text[SH_LIBRARY_BYTES];
        libraries[i](text);
        (void)fprintf(out, "%s%s%s", i == 0 ? "" : ", ", text,
                      libraries[i + 1] == NULL ? "\n" : "");
    }
}

sh_err sh_version_write_metric(sh_buf *ret)
{
    return sh_buf_append_format(ret,
                                "# HELP synchub_build_info Version and commit of this program.\n"
                                "# TYPE synchub_build_info gauge\n"
                                "synchub_build_info{program=\"%s\",version=\"" SYNCHUB_VERSION
                                "\",commit=\"%s\"} 1\n",
                                build_program, build_commit);
}
