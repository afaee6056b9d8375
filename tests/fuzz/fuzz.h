/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the fuzz targets share. A target is one program with LLVMFuzzerTestOneInput, which libFuzzer calls (meson option
 * fuzz) or, in the normal build, replay.c with the files of corpus/ and crashers/.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A claim that must hold for every input. */
#define FUZZ_CHECK(claim)                                                              \
    do {                                                                               \
        if (!(claim)) {                                                                \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #claim); \
            abort();                                                                   \
        }                                                                              \
    } while (0)

/* The input as text in new memory; bytes behind a zero are not seen by what reads it. */
static inline char *fuzz_text(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    FUZZ_CHECK(text);
    if (size)
        memcpy(text, data, size);
    text[size] = 0;
    return text;
}

#endif
