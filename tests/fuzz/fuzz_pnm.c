/* SPDX-License-Identifier: BSD-2-Clause
 *
 * PBM, PGM, PPM and PFM: header and rows.
 */
#include "fuzz.h"
#include "io/internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    uint8_t *copy = malloc(size);
    FUZZ_CHECK(copy);
    memcpy(copy, data, size);
    struct fovi_io_pnm pnm = { .file = fmemopen(copy, size, "rb") };
    FUZZ_CHECK(pnm.file);
    if (fovi_io_pnm_header(&pnm)) {
        struct fovea_format format;
        fovi_io_pnm_format(&pnm, &format);
        FUZZ_CHECK(pnm.width >= 1 && pnm.height >= 1 && pnm.max_value >= 1 && pnm.max_value <= 65535);
        FUZZ_CHECK(format.n_channels == 1 || format.n_channels == 3);
        if (pnm.width <= 4096 && pnm.height <= 1 << 20) {
            FUZZ_CHECK(fovi_io_pnm_bytes(&pnm) >= 0);
            void *row = malloc(fovi_io_row_bytes((int)pnm.width, &format));
            FUZZ_CHECK(row);
            for (int pass = 0; pass < 2; pass++) {
                int64_t y = 0;
                while (y < pnm.height && y < 4096 && !fovi_io_pnm_read_row(&pnm, row))
                    y++;
                if (fovi_io_pnm_rewind(&pnm))
                    break;
            }
            free(row);
        }
    }
    fclose(pnm.file);
    free(copy);
    return 0;
}
