/* SPDX-License-Identifier: BSD-2-Clause
 *
 * SHA-256 (FIPS 180-4).
 */
#include "sha256.h"

#include <dirent.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

static const uint32_t constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

struct state {
    uint32_t h[8];
    uint64_t n_bytes;
    unsigned char block[64]; /* n_bytes % 64 of it are waiting */
};

static uint32_t rotate(uint32_t v, int n)
{
    return v >> n | v << (32 - n);
}

static void take_block(struct state *s, const unsigned char *block)
{
    uint32_t w[64], v[8];
    for (int i = 0; i < 16; i++)
        w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 | (uint32_t)block[4 * i + 2] << 8 |
               block[4 * i + 3];
    for (int i = 16; i < 64; i++) {
        uint32_t a = w[i - 15], b = w[i - 2];
        w[i] = w[i - 16] + w[i - 7] + (rotate(a, 7) ^ rotate(a, 18) ^ a >> 3) +
               (rotate(b, 17) ^ rotate(b, 19) ^ b >> 10);
    }
    memcpy(v, s->h, sizeof v);
    for (int i = 0; i < 64; i++) {
        uint32_t t1 = v[7] + (rotate(v[4], 6) ^ rotate(v[4], 11) ^ rotate(v[4], 25)) +
                      ((v[4] & v[5]) ^ (~v[4] & v[6])) + constants[i] + w[i];
        uint32_t t2 = (rotate(v[0], 2) ^ rotate(v[0], 13) ^ rotate(v[0], 22)) +
                      ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));
        memmove(v + 1, v, 7 * sizeof *v);
        v[4] += t1;
        v[0] = t1 + t2;
    }
    for (int i = 0; i < 8; i++)
        s->h[i] += v[i];
}

static void begin(struct state *s)
{
    *s = (struct state){ .h = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab,
                                0x5be0cd19 } };
}

static void push(struct state *s, const unsigned char *bytes, size_t n)
{
    while (n) {
        size_t at = s->n_bytes % 64, part = 64 - at < n ? 64 - at : n;
        memcpy(s->block + at, bytes, part);
        s->n_bytes += part;
        bytes += part;
        n -= part;
        if (s->n_bytes % 64 == 0)
            take_block(s, s->block);
    }
}

static void end(struct state *s, char text[CLI_SHA256_TEXT])
{
    uint64_t n_bits = s->n_bytes * 8;
    unsigned char length[8];
    push(s, (const unsigned char *)"\x80", 1);
    while (s->n_bytes % 64 != 56)
        push(s, (const unsigned char *)"", 1);
    for (int i = 0; i < 8; i++)
        length[i] = (unsigned char)(n_bits >> (56 - 8 * i));
    push(s, length, 8);
    for (int i = 0; i < 8; i++)
        snprintf(text + 8 * i, 9, "%08x", (unsigned)s->h[i]);
}

void cli_sha256(const void *bytes, size_t n_bytes, char text[CLI_SHA256_TEXT])
{
    struct state s;
    begin(&s);
    push(&s, bytes, n_bytes);
    end(&s, text);
}

int cli_sha256_file(const char *path, char text[CLI_SHA256_TEXT])
{
    unsigned char bytes[16384];
    FILE *file = fopen(path, "rb");
    struct state s;
    if (!file)
        return -1;
    begin(&s);
    for (size_t n; (n = fread(bytes, 1, sizeof bytes, file)) > 0;)
        push(&s, bytes, n);
    int failed = ferror(file);
    fclose(file);
    end(&s, text);
    return failed ? -1 : 0;
}

/* Add the hash and the name of a file, or of all files in a folder, by name; at: where names begin to count. */
static int push_tree(struct state *s, const char *path, size_t at)
{
    char hash[CLI_SHA256_TEXT];
    struct dirent **names;
    if (!cli_is_folder(path)) {
        if (cli_sha256_file(path, hash))
            return -1;
        push(s, (const unsigned char *)hash, CLI_SHA256_TEXT);
        push(s, (const unsigned char *)path + at, strlen(path + at) + 1);
        return 0;
    }
    int n = scandir(path, &names, NULL, alphasort), failed = n < 0;
    for (int i = 0; i < n; i++) {
        int is_inside = strcmp(names[i]->d_name, ".") && strcmp(names[i]->d_name, "..");
        char *name = !failed && is_inside ? cli_join(path, names[i]->d_name) : NULL;
        if (is_inside)
            failed = failed || !name || push_tree(s, name, at);
        free(name);
        free(names[i]);
    }
    if (n >= 0)
        free(names);
    return failed ? -1 : 0;
}

int cli_sha256_output(const char *path, char text[CLI_SHA256_TEXT])
{
    char folder[PATH_MAX];
    struct state s;
    if (!fovea_io_output_folder(path, folder, sizeof folder))
        return cli_sha256_file(path, text);
    begin(&s);
    int failed = push_tree(&s, path, strlen(path)) || push_tree(&s, folder, strlen(folder));
    end(&s, text);
    return failed ? -1 : 0;
}
