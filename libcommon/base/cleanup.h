/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_CLEANUP_H
#define SH_CLEANUP_H

/*
 * SH_CLEANUP(f) runs f(&variable) when the variable leaves its scope. Destructors used with it take
 * a pointer to the variable and accept a NULL or zeroed one.
 */
#define SH_CLEANUP(function) __attribute__((cleanup(function)))

/* For `SH_CLEANUP(sh_free_cleanup) char *text = …`: frees what malloc gave. */
void sh_free_cleanup(void *pointer_to_pointer);

/* For `SH_CLEANUP(sh_close_cleanup) int fd = …`: closes a file descriptor that is not negative. */
void sh_close_cleanup(const int *fd);

#endif
