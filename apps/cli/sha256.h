/* SPDX-License-Identifier: BSD-2-Clause
 *
 * SHA-256 (FIPS 180-4), as sha256sum prints it.
 */
#ifndef FOVEA_CLI_SHA256_H
#define FOVEA_CLI_SHA256_H

#include <stddef.h>

#define CLI_SHA256_TEXT 65 /* hexadecimal digits and the end */

void cli_sha256(const void *bytes, size_t n_bytes, char text[CLI_SHA256_TEXT]);
/* Of a whole file; 0, or -1 with errno set. */
int cli_sha256_file(const char *path, char text[CLI_SHA256_TEXT]);
/* The same of a picture; where tiles belong to it, of the list of all its files and their hashes. */
int cli_sha256_output(const char *path, char text[CLI_SHA256_TEXT]);

#endif
