/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Options of AddressSanitizer in all programs that are built with it; ASAN_OPTIONS adds to them.
 *
 * Undefined behaviour executes a trap instruction instead of a call of UBSan's runtime, whose
 * tables take a third of the time that a program needs to start and to check itself for leaks, and
 * the integration tests start thousands of programs. With handle_sigill, ASan reports the trap with
 * its line and stack.
 */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "handle_sigill=1";
}
