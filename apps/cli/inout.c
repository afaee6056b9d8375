/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The options that say what is read of a file (page, size of a drawing) and how one is written (quality, compression,
 * depth, metadata).
 */
#include <string.h>

#include "cli.h"

int cli_wants_all_pages(const struct cli_inout *inout)
{
    return inout->page && !strcmp(inout->page, "all");
}

int cli_read_params(const struct cli *cli, const struct cli_inout *inout, int page, struct fovea_io_read_params *params)
{
    static const struct fovea_io_read_params defaults = FOVEA_IO_READ_DEFAULTS;
    double number;
    *params = defaults;
    params->page = page;
    if (!page && inout->page && !cli_wants_all_pages(inout)) {
        if (!cli_parse_number(inout->page, &number) || strchr(inout->page, '.') || number < 1. || number > 1e6)
            return cli_fail(cli, CLI_USAGE, "option --page: '%s' is neither a number from 1 on nor all", inout->page);
        params->page = (int)number;
    }
    if (inout->svg_width && inout->svg_dpi > 0.)
        return cli_fail(cli, CLI_USAGE, "--svg-width and --svg-dpi exclude each other");
    params->svg_width = inout->svg_width;
    if (inout->svg_dpi > 0.)
        params->svg_dpi = inout->svg_dpi;
    params->least_bits = inout->bits > 16 ? 32 : inout->bits > 8 ? 16 : 0;
    return CLI_OK;
}

struct fovea_io_write_params cli_write_params(const struct cli_inout *inout)
{
    struct fovea_io_write_params params = FOVEA_IO_WRITE_DEFAULTS;
    params.quality = inout->quality;
    params.compression = inout->compression;
    params.bits = inout->bits;
    params.strips_metadata = inout->strips_metadata;
    return params;
}

const char *cli_input_path(const struct cli *cli, const char *input)
{
    return cli->stdin_path && !strcmp(input, "-") ? cli->stdin_path : input;
}

int cli_open_reader(const struct cli *cli, const char *input, const struct cli_inout *inout, int page,
                    fovea_io_reader **reader)
{
    struct fovea_io_read_params params;
    *reader = NULL;
    int code = cli_read_params(cli, inout, page, &params);
    if (code)
        return code;
    const char *path = cli_input_path(cli, input);
    params.name = path == input ? NULL : "standard input";
    int error = fovea_io_reader_open_with(reader, cli->io, path, &params);
    if (!error)
        return CLI_OK;
    code = cli_fail_io(cli, error, 1);
    struct fovea_io_info info;
    if (error == FOVEA_E_UNSUPPORTED && !params.page && !fovea_io_probe(cli->io, path, &info) && info.n_pages > 1)
        cli_note(cli, "--page 1 to --page %d takes one of them, --page all each", info.n_pages);
    return code;
}
