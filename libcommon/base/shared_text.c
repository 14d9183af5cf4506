/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/shared_text.h"

#include <stdatomic.h>
#include <stdlib.h>

struct sh_shared_text {
    sh_buf text;
    atomic_size_t references;
};

sh_shared_text *sh_shared_text_new(sh_buf *buf)
{
    sh_shared_text *text = malloc(sizeof *text);
    if (text == NULL)
        return NULL;
    sh_buf_fit(buf);
    text->text = *buf;
    atomic_init(&text->references, 1);
    *buf = SH_BUF_INIT(buf->limit);
    return text;
}

sh_shared_text *sh_shared_text_ref(sh_shared_text *text)
{
    (void)atomic_fetch_add_explicit(&text->references, 1, memory_order_relaxed);
    return text;
}

void sh_shared_text_unref(sh_shared_text *text)
{
    if (text == NULL || atomic_fetch_sub_explicit(&text->references, 1, memory_order_acq_rel) != 1)
        return;
    sh_buf_reset(&text->text);
    free(text);
}

sh_slice sh_shared_text_slice(const sh_shared_text *text)
{
    return (sh_slice){text->text.data == NULL ? "" : text->text.data, text->text.len};
}

void sh_shared_text_cleanup(sh_shared_text **text)
{
    sh_shared_text_unref(*text);
}
