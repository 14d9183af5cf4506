/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/http/http_batches.h"

#include <assert.h>

static const struct {
    bool serial;      /* by one worker at a time */
    size_t batch_max; /* exchanges in one call */
} traits[SH_HTTP_CLASSES] = {
    [SH_HTTP_NORMAL] = {.serial = false, .batch_max = SH_HTTP_TOGETHER_MAX},
    /* Exchanges that arrive while the one worker waits share its next wait. */
    [SH_HTTP_QUERY] = {.serial = true, .batch_max = SH_HTTP_TOGETHER_MAX},
    [SH_HTTP_EXCLUSIVE] = {.serial = true, .batch_max = 1},
};

void sh_http_batches_init(sh_http_batches *batches)
{
    *batches = (sh_http_batches){.last = SH_HTTP_IMMEDIATE};
    for (size_t i = 0; i < SH_HTTP_CLASSES; i++)
        batches->classes[i].end = &batches->classes[i].first;
}

void sh_http_batches_add(sh_http_batches *batches, sh_http_waiting *waiting)
{
    assert(waiting->class > SH_HTTP_IMMEDIATE && waiting->class < SH_HTTP_CLASSES);
    waiting->next = NULL;
    *batches->classes[waiting->class].end = waiting;
    batches->classes[waiting->class].end = &waiting->next;
    batches->classes[waiting->class].count++;
}

static sh_http_waiting *take_first(sh_http_batches *batches, sh_http_class class)
{
    sh_http_waiting *first = batches->classes[class].first;
    batches->classes[class].first = first->next;
    if (first->next == NULL)
        batches->classes[class].end = &batches->classes[class].first;
    batches->classes[class].count--;
    return first;
}

static bool is_ready(const sh_http_batches *batches, sh_http_class class)
{
    return batches->classes[class].count > 0 && !batches->classes[class].busy;
}

bool sh_http_batches_need_worker(const sh_http_batches *batches, sh_http_class class)
{
    return !batches->classes[class].busy;
}

bool sh_http_batches_are_ready(const sh_http_batches *batches)
{
    for (size_t i = 0; i < SH_HTTP_CLASSES; i++)
        if (is_ready(batches, (sh_http_class)i))
            return true;
    return false;
}

static size_t share_of(const sh_http_batches *batches, sh_http_class class, size_t idle)
{
    size_t waiting = batches->classes[class].count;
    size_t share = traits[class].serial ? waiting : (waiting + idle) / (idle + 1);
    return share < traits[class].batch_max ? share : traits[class].batch_max;
}

size_t sh_http_batches_next(sh_http_batches *batches, size_t idle,
                            sh_http_waiting *ret[SH_HTTP_TOGETHER_MAX])
{
    size_t count = 0;
    sh_http_class class = batches->last;
    for (size_t i = 0; i < SH_HTTP_CLASSES; i++) {
        class = (sh_http_class)((class + 1) % SH_HTTP_CLASSES);
        if (is_ready(batches, class))
            break;
    }
    if (!is_ready(batches, class))
        return 0;
    size_t most = share_of(batches, class, idle);
    do
        ret[count++] = take_first(batches, class);
    while (count < most && ret[0]->group != NULL &&
           batches->classes[class].first->group == ret[0]->group);
    batches->classes[class].busy = traits[class].serial;
    batches->last = class;
    return count;
}

void sh_http_batches_end(sh_http_batches *batches, sh_http_class class)
{
    batches->classes[class].busy = false;
}

sh_http_waiting *sh_http_batches_drop(sh_http_batches *batches)
{
    for (size_t i = 0; i < SH_HTTP_CLASSES; i++)
        if (batches->classes[i].count > 0)
            return take_first(batches, (sh_http_class)i);
    return NULL;
}
