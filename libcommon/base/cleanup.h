/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_CLEANUP_H
#define SH_CLEANUP_H

/*
 * SH_CLEANUP(f) calls f(&variable) when the variable goes out of scope. Functions used with it take
 * a pointer to the variable and accept a NULL or zeroed value.
 */
#define SH_CLEANUP(function) __attribute__((cleanup(function)))

/* free() for `SH_CLEANUP(sh_free_cleanup) char *text = …`. */
void sh_free_cleanup(void *pointer_to_pointer);

/* close() for `SH_CLEANUP(sh_close_cleanup) int fd = …`; ignores a negative descriptor. */
void sh_close_cleanup(const int *fd);

#endif
