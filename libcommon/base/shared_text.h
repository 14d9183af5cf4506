/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_SHARED_TEXT_H
#define SH_SHARED_TEXT_H

#include "libcommon/base/buffer.h"
#include "libcommon/base/text.h"

/* A text that never changes and that several owners share, each with a reference. Thread-safe. */
typedef struct sh_shared_text sh_shared_text;

/* Takes over the content of buf, which is empty afterwards. Returns the first reference or NULL. */
sh_shared_text *sh_shared_text_new(sh_buf *buf);
/* Another reference to the same text. */
sh_shared_text *sh_shared_text_ref(sh_shared_text *text);
/* Ends a reference; the last one frees the text. NULL is accepted. */
void sh_shared_text_unref(sh_shared_text *text);

sh_slice sh_shared_text_slice(const sh_shared_text *text);

/* sh_shared_text_unref() for SH_CLEANUP. */
void sh_shared_text_cleanup(sh_shared_text **text);

#endif
