/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The table of figures, and lists of their keys.
 */
#include "figures.h"

#include <string.h>

#define AT(member) offsetof(struct fovea_metrics, member)

const struct cli_figure cli_figures[CLI_N_FIGURES] = {
    { "PSNR-Y", "psnr_y", " dB", AT(psnr_y), 0, 4, 0 },
    { "SSIM-Y", "ssim_y", "", AT(ssim_y), 0, 6, 0 },
    { "PSNR", "psnr", " dB", AT(psnr), 0, 4, 0 },
    { "MS-SSIM", "ms_ssim", "", AT(ms_ssim), FOVEA_METRIC_MS_SSIM, 6, 0 },
    { "FSIM", "fsim", "", AT(fsim), FOVEA_METRIC_FSIM, 6, 0 },
    { "FSIMc", "fsimc", "", AT(fsimc), FOVEA_METRIC_FSIM, 6, 0 },
    { "GMSD", "gmsd", "", AT(gmsd), FOVEA_METRIC_GMSD, 6, 1 },
    { "ERGAS", "ergas", "", AT(ergas), FOVEA_METRIC_SPECTRAL, 4, 1 },
    { "SAM", "sam", " deg", AT(sam), FOVEA_METRIC_SPECTRAL, 4, 1 },
    { "dE2000", "delta_e", "", AT(delta_e), FOVEA_METRIC_DELTA_E, 4, 1 },
};

double cli_figure_value(const struct fovea_metrics *metrics, int i)
{
    double value;
    memcpy(&value, (const char *)metrics + cli_figures[i].offset, sizeof value);
    return value;
}

/* Figure of a key of n letters, -1 if there is none; "ssim" is that of luma, the only one there is. */
static int find(const char *key, size_t n)
{
    for (int i = 0; i < CLI_N_FIGURES; i++)
        if (strlen(cli_figures[i].key) == n && !strncmp(cli_figures[i].key, key, n))
            return i;
    return n == 4 && !strncmp(key, "ssim", n) ? CLI_SSIM_Y : -1;
}

int cli_figures_parse(const struct cli *cli, const char *option, const char *list, int is_asked[CLI_N_FIGURES])
{
    for (const char *p = list;; p++) {
        size_t n = strcspn(p, ",");
        int is_all = n == 3 && !strncmp(p, "all", n), found = find(p, n);
        if (!is_all && found < 0)
            return cli_fail(
                cli, CLI_USAGE,
                "option --%s: '%.*s' is none of psnr_y, ssim_y, psnr, ms_ssim, fsim, fsimc, gmsd, ergas, sam, "
                "delta_e, all",
                option, (int)n, p);
        for (int i = 0; i < CLI_N_FIGURES; i++)
            is_asked[i] |= is_all || i == found;
        p += n;
        if (!*p)
            return CLI_OK;
    }
}

unsigned cli_figures_wanted(const int is_asked[CLI_N_FIGURES])
{
    unsigned wanted = 0;
    for (int i = 0; i < CLI_N_FIGURES; i++)
        wanted |= is_asked[i] ? cli_figures[i].bit : 0;
    return wanted;
}
