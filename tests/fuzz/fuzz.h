/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include "libcommon/base/text.h"

#include <stddef.h>
#include <stdint.h>

/*
 * What each fuzzer is: it feeds one input to a parser and aborts where a promise of its header is
 * broken; the sanitizers see to the rest. The name is libFuzzer's.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the program, with the words of the promise that was broken. */
void fuzz_must(bool kept, const char *promise);

/*
 * A copy of the input in memory of exactly its size, so that reading past its end is seen; the
 * caller frees it by free(). Never NULL.
 */
char *fuzz_copy(const uint8_t *data, size_t size);

#endif
