/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The checks of a review, their default limits, and how far a run is from each.
 */
#include <math.h>
#include <string.h>

#include "review.h"

/* How a value becomes a severity that can be compared across checks. */
enum scale {
    RATIO,    /* value / limit */
    SHARE,    /* 1 + ten times what is over the limit */
    NEARNESS, /* of figures that are 1 at best: (1 - value) / (1 - limit) */
    DECIBEL   /* a ratio of errors: 10^((limit - value) / 20) */
};

/* The limits of added energy, expected error and self-test are what 95 in 100 of some training photographs keep (docs/
 * report.md). */
static const struct check {
    const char *key, *place; /* the key of --review-limits; where the figure stands in the JSON of a run */
    const char *title, *unit;
    enum scale scale;
    double limit;
} checks[REVIEW_N_CHECKS] = {
    { "rms", "consistency/rms", "difference from the input when reduced again, RMS", "levels of 255", RATIO, .5 },
    { "within2", "consistency/within_2", "share of samples within 2 levels when reduced again", "", NEARNESS, .995 },
    { "fallback", "tiles/fallback", "share of tiles that failed a check and fell back", "", SHARE, 0. },
    { "energy", "added_rms", "luma added to the plain enlargement, RMS", "levels of 255", RATIO, 10.5 },
    { "uncertainty", "predicted_rms_error", "expected error of luma, RMS", "levels of 255", RATIO, 17.5 },
    { "psnr", "selftest/methods/*/psnr_y", "self-test: PSNR-Y", "dB", DECIBEL, 22.6 },
    { "ssim", "selftest/methods/*/ssim_y", "self-test: SSIM-Y", "", NEARNESS, .57 },
};

static int is_least(const struct check *check)
{
    return check->scale == NEARNESS || check->scale == DECIBEL;
}

/* "key=number" or "key=off", length characters. */
static int parse_limit(const struct cli *cli, const char *text, size_t length, struct review_limits *limits)
{
    char word[64];
    snprintf(word, sizeof word, "%.*s", length < sizeof word ? (int)length : (int)sizeof word - 1, text);
    char *value = strchr(word, '=');
    if (!value)
        return cli_fail(cli, CLI_USAGE, "option --review-limits: '%s' is not NAME=NUMBER", word);
    *value++ = 0;
    for (int i = 0; i < REVIEW_N_CHECKS; i++) {
        if (strcmp(word, checks[i].key))
            continue;
        if (!strcmp(value, "off"))
            limits->value[i] = NAN;
        else if (!cli_parse_number(value, &limits->value[i]))
            return cli_fail(cli, CLI_USAGE, "option --review-limits: '%s' is not a number", value);
        return CLI_OK;
    }
    return cli_fail(cli, CLI_USAGE,
                    "option --review-limits: '%s' is none of rms, within2, fallback, energy, uncertainty, psnr, ssim",
                    word);
}

int review_parse(const struct cli *cli, const char *list, struct review_limits *limits)
{
    int code = CLI_OK;
    for (int i = 0; i < REVIEW_N_CHECKS; i++)
        limits->value[i] = checks[i].limit;
    while (list && !code) {
        size_t length = strcspn(list, ",");
        code = parse_limit(cli, list, length, limits);
        list = list[length] ? list + length + 1 : NULL;
    }
    return code;
}

json_t *review_limits_json(const struct review_limits *limits)
{
    json_t *list = json_array();
    for (int i = 0; i < REVIEW_N_CHECKS; i++)
        if (!isnan(limits->value[i]))
            json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:f, s:b}", "check", checks[i].key, "title",
                                                  checks[i].title, "unit", checks[i].unit, "limit", limits->value[i],
                                                  "is_least", is_least(&checks[i])));
    return list;
}

/* What stands at a place of an object; "*" is the name that its neighbour "method" gives. */
static const json_t *find(const json_t *object, const char *place)
{
    char name[64];
    const char *method = NULL;
    while (object && *place) {
        size_t length = strcspn(place, "/");
        snprintf(name, sizeof name, "%.*s", (int)length, place);
        if (json_is_string(json_object_get(object, "method")))
            method = json_string_value(json_object_get(object, "method"));
        object = json_object_get(object, strcmp(name, "*") ? name : method ? method : "");
        place += length + (place[length] == '/');
    }
    return object;
}

/* The figure of a check; NaN where the run has none. Tiles are counted: their share of all. */
static double figure(const struct check *check, const json_t *run)
{
    const json_t *value = find(run, check->place), *other;
    const char *key;
    double sum = 0.;
    if (!json_is_number(value))
        return NAN;
    if (check->scale != SHARE)
        return json_number_value(value);
    json_t *tiles = json_object_get(run, "tiles");
    json_object_foreach(tiles, key, other) sum += json_number_value(other);
    return sum > 0. ? json_number_value(value) / sum : NAN;
}

static double severity(const struct check *check, double value, double limit)
{
    switch (check->scale) {
    case RATIO: return value / fmax(limit, 1e-9);
    case SHARE: return value > limit ? 1. + 10. * (value - limit) : 0.;
    case NEARNESS: return (1. - value) / fmax(1. - limit, 1e-9);
    default: return pow(10., (limit - value) / 20.);
    }
}

json_t *review_judge(const struct review_limits *limits, const json_t *run)
{
    json_t *failed = json_array(), *figures = json_object();
    double worst = 0.;
    for (int i = 0; i < REVIEW_N_CHECKS; i++) {
        double value = figure(&checks[i], run), how_bad;
        if (!isnan(value))
            json_object_set_new(figures, checks[i].key, json_real(value));
        if (isnan(value) || isnan(limits->value[i]))
            continue;
        how_bad = severity(&checks[i], value, limits->value[i]);
        worst = fmax(worst, how_bad);
        if (how_bad > 1.)
            json_array_append_new(failed, json_pack("{s:s, s:f, s:f}", "check", checks[i].key, "value", value, "limit",
                                                    limits->value[i]));
    }
    return json_pack("{s:b, s:f, s:o, s:o}", "flagged", worst > 1., "severity", worst, "failed", failed, "figures",
                     figures);
}
