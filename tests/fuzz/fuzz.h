/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include "libcommon/base/text.h"

#include <stddef.h>
#include <stdint.h>

/*
 * A fuzzer: passes one input to a parser and aborts if a contract of the parser's header is
 * violated. Sanitizers detect the rest. The name is required by libFuzzer.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Aborts with a message if an invariant does not hold. */
void fuzz_assert(bool holds, const char *invariant);

/*
 * Copies the input into memory of exactly its size, so that ASan detects reads past its end. The
 * caller frees it. Never NULL.
 */
char *fuzz_copy(const uint8_t *data, size_t size);

#endif
