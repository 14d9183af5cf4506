/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/cleanup.h"

#include <stdlib.h>
#include <unistd.h>

void sh_free_cleanup(void *pointer_to_pointer)
{
    free(*(void **)pointer_to_pointer);
}

void sh_close_cleanup(const int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
}
