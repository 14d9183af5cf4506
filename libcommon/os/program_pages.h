/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_PROGRAM_PAGES_H
#define SH_PROGRAM_PAGES_H

/*
 * Takes the program's code and constants out of the process's memory, before a long wait: what runs
 * again comes back from the page cache or the file, and what does not is no longer in the way of
 * other programs. Libraries stay, as other processes may use them.
 */
void sh_program_pages_drop(void);

#endif
