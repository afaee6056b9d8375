/* SPDX-License-Identifier: BSD-2-Clause
 *
 * --shard: which part of a batch this process does.
 */
#include <stdlib.h>
#include <string.h>

#include "upscale.h"

/* A whole number from the environment; -1 if it is missing or none. */
static int number_of(const char *name)
{
    const char *text = name ? getenv(name) : NULL;
    double value;
    return text && cli_parse_number(text, &value) && value < 1e6 ? (int)value : -1;
}

/* Rank (of the first one: base, itself from a variable where that is named) and size, as launchers tell them. */
static const struct {
    const char *rank, *size, *base;
} launchers[] = {
    { "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", NULL },                    /* Open MPI */
    { "PMI_RANK", "PMI_SIZE", NULL },                                            /* MPICH, Intel MPI */
    { "SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_COUNT", "SLURM_ARRAY_TASK_MIN" }, /* a Slurm array */
    { "SLURM_PROCID", "SLURM_NTASKS", NULL },                                    /* srun */
};

static int from_environment(int *rank, int *n)
{
    for (size_t i = 0; i < sizeof launchers / sizeof *launchers; i++) {
        *rank = number_of(launchers[i].rank);
        *n = number_of(launchers[i].size);
        if (*rank < 0 || *n < 1)
            continue;
        if (launchers[i].base && number_of(launchers[i].base) > 0)
            *rank -= number_of(launchers[i].base);
        return *rank >= 0 && *rank < *n;
    }
    return 0;
}

int cli_parse_shard(const struct cli *cli, const char *word, int *rank, int *n)
{
    char text[32];
    double index, count;
    if (!strcmp(word, "auto"))
        return from_environment(rank, n) ? CLI_OK
                                         : cli_fail(cli, CLI_USAGE,
                                                    "option --shard: auto found no rank and size of Open MPI, MPICH or "
                                                    "Slurm in the environment");
    size_t length = strcspn(word, "/");
    snprintf(text, sizeof text, "%.*s", (int)(length < 20 ? length : 20), word);
    if (!word[length] || !cli_parse_number(text, &index) || !cli_parse_number(word + length + 1, &count) ||
        strchr(word, '.') || index < 1. || count < index || count > 1e6)
        return cli_fail(cli, CLI_USAGE, "option --shard: '%s' is neither I/N with I from 1 to N, nor auto", word);
    *rank = (int)index - 1;
    *n = (int)count;
    return CLI_OK;
}
