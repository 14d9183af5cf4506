/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/os/program_pages.h"

#include <link.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

/* Called for the program first; its result ends the iteration. */
static int drop(struct dl_phdr_info *program, size_t size, void *context)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    (void)size;
    (void)context;
    for (size_t i = 0; i < program->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &program->dlpi_phdr[i];
        if (part->p_type != PT_LOAD || (part->p_flags & PF_W) != 0)
            continue;
        uintptr_t begin = (program->dlpi_addr + part->p_vaddr) / page * page;
        uintptr_t end = program->dlpi_addr + part->p_vaddr + part->p_memsz;
        /* Never written, so nothing is lost; if it fails, the pages stay. */
        (void)madvise((void *)begin, end - begin,
                      MADV_DONTNEED); /* NOLINT(performance-no-int-to-ptr) */
    }
    return 1;
}

void sh_program_pages_drop(void)
{
    (void)dl_iterate_phdr(drop, NULL);
}
