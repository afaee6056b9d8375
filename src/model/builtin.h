/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The containers that are compiled in: the table that tools/embed.py makes from models/.
 */
#ifndef FOVI_MODEL_BUILTIN_H
#define FOVI_MODEL_BUILTIN_H

#include <stddef.h>

struct fovi_builtin {
    const char *name; /* "<method>-x<scale>" */
    const void *bytes;
    size_t n_bytes;
};

/* Ends with an entry whose name is NULL. */
extern const struct fovi_builtin fovi_builtin_table[];

#endif
