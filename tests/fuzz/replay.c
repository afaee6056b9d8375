/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The driver of a fuzz target where libFuzzer is not there: every file of the folders given, whole, cut short at some
 * sixty places, and in some hundred fixed mutations (flipped bits, set bytes, zeroed, doubled and removed ranges).
 *
 *     fuzz_pnm corpus/pnm crashers/pnm
 */
#include <dirent.h>
#include <sys/stat.h>

#include "base/rng.h"
#include "fuzz.h"

#define MAX_BYTES ((size_t)1 << 20)
#define N_CUTS 60
#define N_MUTATIONS 150

static long n_inputs;

/* An exact copy in memory of its own, so that a sanitizer sees a read behind its end. */
static void try_bytes(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);
    FUZZ_CHECK(copy);
    memcpy(copy, data, size);
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
    n_inputs++;
}

static size_t below(struct fovi_rng *rng, size_t n)
{
    return n ? fovi_rng_below(rng, (uint32_t)n) : 0;
}

/* Change the bytes in place; the new size, at most 64 more than the old one. */
static size_t mutate(struct fovi_rng *rng, uint8_t *bytes, size_t size)
{
    static const uint8_t special[] = { 0, 1, 0x7f, 0x80, 0xff, ' ', '\n', '-', '9', ',', '"', 0xfe };
    size_t at = below(rng, size), n = 1 + below(rng, 64);
    n = n < size - at ? n : size - at;
    switch (below(rng, 6)) {
    case 0: bytes[at] ^= (uint8_t)(1u << below(rng, 8)); break;
    case 1: bytes[at] = special[below(rng, sizeof special)]; break;
    case 2: memset(bytes + at, (int)special[below(rng, 5)], n < 8 ? n : 8); break;
    case 3: /* a range twice */ memmove(bytes + at + n, bytes + at, size - at); return size + n;
    case 4: /* without a range */ memmove(bytes + at, bytes + at + n, size - at - n); return size - n;
    default: /* a range from elsewhere */ memmove(bytes + at, bytes + below(rng, size - n + 1), n); break;
    }
    return size;
}

static void try_mutations(const uint8_t *data, size_t size)
{
    struct fovi_rng rng = { 2026 + size };
    uint8_t *changed = malloc(size + 4 * 64);
    FUZZ_CHECK(changed);
    for (int i = 0; i < N_MUTATIONS && size; i++) {
        size_t now = size;
        memcpy(changed, data, size);
        for (size_t k = 1 + below(&rng, 4); k > 0 && now; k--)
            now = mutate(&rng, changed, now);
        try_bytes(changed, now);
    }
    free(changed);
}

static int try_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    uint8_t *data = malloc(MAX_BYTES);
    if (!file || !data) {
        fprintf(stderr, "cannot read %s\n", path);
        exit(2);
    }
    size_t size = fread(data, 1, MAX_BYTES, file);
    fclose(file);
    try_bytes(data, size);
    for (size_t i = 0; i < N_CUTS; i++)
        try_bytes(data, size * i / N_CUTS);
    try_mutations(data, size);
    free(data);
    return 1;
}

static int try_folder(const char *folder)
{
    int n = 0;
    DIR *dir = opendir(folder);
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        char path[4096];
        struct stat st;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (stat(path, &st) == 0 && S_ISREG(st.st_mode))
            n += try_file(path);
    }
    if (dir)
        closedir(dir);
    return n;
}

int main(int argc, char **argv)
{
    int n = 0;
    for (int i = 1; i < argc; i++) {
        struct stat st;
        if (stat(argv[i], &st) == 0)
            n += S_ISDIR(st.st_mode) ? try_folder(argv[i]) : try_file(argv[i]);
    }
    printf("%d files, %ld inputs\n", n, n_inputs);
    return n == 0;
}
