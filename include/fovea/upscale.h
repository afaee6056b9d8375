/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Enlarging one picture: plan, then run.
 *
 * A plan knows the input's size and format and has taken its decisions and its memory; every error of the caller shows
 * while it is built. A run only reads rows from a source and writes rows to a sink.
 */
#ifndef FOVEA_UPSCALE_H
#define FOVEA_UPSCALE_H

#include "image.h"
#include "model.h"
#include "resample.h"

#ifdef __cplusplus
extern "C" {
#endif

/* How the picture is made. AUTO, FILTER and NETWORK only enlarge: where a side shrinks, FOVEA_KERNEL_BICUBIC does it
 * all. A result of the input's size is the input. */
enum fovea_method {
    FOVEA_METHOD_AUTO = 0, /* filter everywhere, networks where they pay: decided per tile (the default); in pictures
                              so small that a decision takes longer than it saves the top network everywhere */
    FOVEA_METHOD_CLASSIC,  /* params.kernel */
    FOVEA_METHOD_FILTER,   /* hashed FIR filter (RAISR-like, trained) everywhere */
    FOVEA_METHOD_NETWORK   /* params.network (a built-in name) or params.model everywhere */
};

/* How far auto may go: which networks it may use. Where a network does not exist yet the next smaller is the top. */
enum fovea_preset { FOVEA_PRESET_BALANCED = 0, FOVEA_PRESET_FAST, FOVEA_PRESET_BEST };

/* Number format of the networks' layers; the precision of the first layer's input, the sums and all other work are
 * float. F32: the same bytes with any instruction sets. BF16 (bfloat16, 8 bits of precision, costs less than 0.001 dB
 * in PSNR-Y): the same everywhere too, but only FOVEA_CPU_AMX makes it fast; elsewhere it is emulated, far slower than
 * F32. INT8 (unsigned activations and signed weights of 8 bits; the last layer's weights have 15): for networks that
 * were trained for it (fovea_model_info.has_int8), others of auto run in F32; the same bytes with any instruction sets.
 * AUTO: BF16 where the context has FOVEA_CPU_AMX and the network's layers allow it, else F32. */
enum fovea_precision { FOVEA_PRECISION_AUTO = 0, FOVEA_PRECISION_F32, FOVEA_PRECISION_BF16, FOVEA_PRECISION_INT8 };

/* Back-projection, which makes the reduction of the result give the input back. DEFAULT: on for auto and networks, off
 * for filter and classical methods, and off for auto where params.jpeg_quality says that the input's own values are far
 * off (not in the modes faithful and scientific). */
enum fovea_consistency { FOVEA_CONSISTENCY_DEFAULT = 0, FOVEA_CONSISTENCY_ON, FOVEA_CONSISTENCY_OFF };

/* How far a result may go beyond what the input proves (docs/how-it-works.md). BALANCED: the networks' detail, checked
 * and made consistent. FAITHFUL: the checks and consistency at their strictest, for the filter too, and tiles that are
 * like text or skin held within 4 levels of luma of the base, before consistency. SCIENTIFIC: values are kept to the
 * input as far as arithmetic goes, nothing is clipped that the format can hold. VIVID: in texture more detail than the
 * networks are sure of, at params.detail_cost_db; only beyond the input's Nyquist, so that the reduction of the result
 * stays what it is, and none in tiles like text or skin. Grey and RGB pictures. A classical method is the same in every
 * mode, but for consistency where it is on. */
enum fovea_mode { FOVEA_MODE_BALANCED = 0, FOVEA_MODE_FAITHFUL, FOVEA_MODE_SCIENTIFIC, FOVEA_MODE_VIVID };

/* What the samples are: display-encoded (as sRGB is), or proportional to light. DEFAULT: 8 and 16 bits are encoded,
 * float is linear. Filter and networks work on an encoded copy: linear samples go through the sRGB curve first, which
 * goes on as a logarithm above display white, and back at the end. They know 0..white; what lies outside comes from the
 * bicubic base. Classical methods and reductions work on the samples as they are. */
enum fovea_transfer { FOVEA_TRANSFER_DEFAULT = 0, FOVEA_TRANSFER_ENCODED, FOVEA_TRANSFER_LINEAR };

/* What width and height of the params mean. */
enum fovea_sizing {
    FOVEA_SIZING_EXACT = 0, /* the size itself; 0 = from the other one by aspect; both 0 = from scale */
    FOVEA_SIZING_FIT,       /* the largest of the input's aspect inside width x height */
    FOVEA_SIZING_COVER,     /* the smallest of the input's aspect that covers width x height; nothing is cut off */
    FOVEA_SIZING_SHORT,     /* width = length of the shorter side; height is 0 */
    FOVEA_SIZING_LONG,      /* width = length of the longer side; height is 0 */
    FOVEA_SIZING_MIN        /* as SHORT where the shorter side is less than width, else the input's own size */
};

struct fovea_upscale_params {
    unsigned api;             /* FOVEA_API_VERSION */
    double scale;             /* output pixels per input pixel, 1/64..16; default 2; ignored where a size is given */
    int width, height;        /* output size in pixels, 0..2^30, by sizing; 0 (default) = not given */
    enum fovea_method method; /* default FOVEA_METHOD_AUTO */
    enum fovea_kernel kernel; /* for FOVEA_METHOD_CLASSIC; default FOVEA_KERNEL_BICUBIC */
    const char *network;      /* for FOVEA_METHOD_NETWORK: "tiny" ...; default NULL */
    const fovea_model *model; /* for FOVEA_METHOD_NETWORK: used in place of network; borrowed; default NULL */
    enum fovea_preset preset; /* default FOVEA_PRESET_BALANCED */
    double max_loss_db;       /* predicted loss in PSNR-Y of the whole picture against the preset's top network
                                 everywhere, 0..100 dB; default 0.05; 0 = the top network everywhere */
    double budget_ms;         /* milliseconds that the networks may take; 0 (default) = no limit */
    enum fovea_precision precision; /* default FOVEA_PRECISION_AUTO */
    enum fovea_consistency consistency;
    int strip_rows;           /* input rows worked on at a time, 1..4096; 0 (default) = chosen. Never changes a byte */
    enum fovea_sizing sizing; /* default FOVEA_SIZING_EXACT */
    enum fovea_transfer transfer; /* default FOVEA_TRANSFER_DEFAULT */
    double white;                 /* float samples: display white, > 0; default 1.0 */
    int linear_light;     /* FOVEA_METHOD_CLASSIC only: 1 = encoded samples are decoded by the sRGB curve, resampled
                                     as light, and encoded again; default 0 */
    double strength;      /* share of what filter and networks add to the bicubic base, 0..1; default 1; 0 = the base
                             bit for bit, before consistency */
    enum fovea_mode mode; /* default FOVEA_MODE_BALANCED */
    int expects_error;    /* 1: the picture is analysed for every method that enlarges, so that expected errors
                                     are known (auto knows them where it decides); default 0 */
    int crop_x, crop_y, crop_width, crop_height; /* pixels of the result: only this piece of it is made, with the bytes
                                 that the whole result has there (auto looks at the whole input all the same, to decide
                                 alike); all 0 (default) = everything */
    double detail_cost_db; /* FOVEA_MODE_VIVID: what added detail may cost a tile in PSNR-Y, as predicted, 0..3 dB;
                                     default 0.2 */
    int jpeg_quality;      /* the input was decoded from a JPEG of this quality, 1..100 as libjpeg counts; 0 (default) =
                              it was not, or that is not known. Below 63 auto leaves consistency off by default and goes
                              up to tiny, below 45 it is the filter: the blocks would come back with the rest */
    const struct fovea_costs *costs; /* auto: what gains are weighed against and a budget counts, read while the plan is
                              built; NULL (default) = as committed for the instruction sets and the precision */
};
#define FOVEA_UPSCALE_DEFAULTS                                                                                         \
    {                                                                                                                  \
        FOVEA_API_VERSION, 2.0, 0, 0, FOVEA_METHOD_AUTO, FOVEA_KERNEL_BICUBIC, NULL, NULL, FOVEA_PRESET_BALANCED,      \
            0.05, 0.0, FOVEA_PRECISION_AUTO, FOVEA_CONSISTENCY_DEFAULT, 0, FOVEA_SIZING_EXACT, FOVEA_TRANSFER_DEFAULT, \
            1.0, 0, 1.0, FOVEA_MODE_BALANCED, 0, 0, 0, 0, 0, 0.2, 0, NULL                                              \
    }

/* Which path a tile took. */
enum fovea_path {
    FOVEA_PATH_CLASSIC = 0,
    FOVEA_PATH_FILTER,
    FOVEA_PATH_TINY,
    FOVEA_PATH_NETWORK, /* of the caller's model */
    FOVEA_PATH_FALLBACK,
    FOVEA_PATH_SMALL,
    FOVEA_PATH_MEDIUM,
    FOVEA_PATH_LARGE
};
#define FOVEA_N_PATHS 8

/* What the ways to make a tile cost: nanoseconds for an input pixel on one thread, [scale - 2][path], of the filter and
 * the built-in networks; 0 = not known, the committed cost counts. */
struct fovea_costs {
    double ns_per_px[3][FOVEA_N_PATHS];
};

/* Time them on this machine, with the context's threads and the networks in the number format that a precision stands
 * for; some tenths of a second. FOVEA_E_ARG, FOVEA_E_NOMEM, FOVEA_E_LIMIT. */
FOVEA_API int fovea_costs_measure(fovea_context *ctx, enum fovea_precision precision, struct fovea_costs *out);

/* Name of a path: "classic", "filter", "tiny", "network", "fallback", "small", "medium", "large". */
FOVEA_API const char *fovea_path_name(enum fovea_path path);

/* Why a tile's refinement was not trusted, so that the tile fell back to the bicubic base (docs/how-it-works.md). */
enum fovea_cause {
    FOVEA_CAUSE_NONE = 0,
    FOVEA_CAUSE_NOT_FINITE, /* a number that is none, or infinite */
    FOVEA_CAUSE_RANGE,      /* more than a picture can hold */
    FOVEA_CAUSE_DRIFT,      /* the mean of luma (of a plane, where planes are no RGB) moves away */
    FOVEA_CAUSE_ENERGY,     /* far more than the detail of the input there lets expect */
    FOVEA_CAUSE_NOTHING     /* the same for every pixel, although there is detail: a network that does not see */
};
#define FOVEA_N_CAUSES 6

/* Name of a cause: "none", "not_finite", "range", "drift", "energy", "nothing". */
FOVEA_API const char *fovea_cause_name(enum fovea_cause cause);

/* The stages whose time is reported. */
enum fovea_stage {
    FOVEA_STAGE_READ = 0,
    FOVEA_STAGE_ANALYSIS,
    FOVEA_STAGE_ROUTING,
    FOVEA_STAGE_BASE,
    FOVEA_STAGE_FILTER,
    FOVEA_STAGE_NETWORK,
    FOVEA_STAGE_CONSISTENCY,
    FOVEA_STAGE_CHECKS,
    FOVEA_STAGE_WRITE
};
#define FOVEA_N_STAGES 9
FOVEA_API const char *fovea_stage_name(enum fovea_stage stage);

/* What a run did. Filled by fovea_plan_run. */
struct fovea_report {
    int in_width, in_height, out_width, out_height; /* out: of the piece that was made */
    double scale_x, scale_y;                        /* true ratios, out / in */
    int chain[4], n_chain;                     /* integer enlargements in order, e.g. {2, 3}; 0: one classical step */
    char method[32];                           /* "auto", "bicubic", "filter", "tiny", ... */
    int consistency_steps;                     /* 0 = off */
    double total_ms, stage_ms[FOVEA_N_STAGES]; /* wall time */
    int64_t n_tiles[FOVEA_N_PATHS];            /* tiles per path (of the first enlargement of the chain) */
    int64_t n_network_px;                      /* input pixels that networks made, halo included */
    double predicted_loss_db;                  /* auto: predicted loss against the top network everywhere; else 0 */
    double ns_per_px[FOVEA_N_PATHS];           /* auto, where it decided: the costs that were weighed; else 0 */
    double saved_network_share;                /* auto: share of the top network's work everywhere that routing saved,
                                                  in multiply-adds, halo counted */
    double saved_ms;                           /* auto: what routing saved, analysis and decision counted, at the
                                                  speed that the networks had in this run; below 0: it did not pay */
    int consistency_measured;                  /* 1: the three figures below were measured on the result as written */
    double consistency_rms;                    /* of D(result) - input, in levels of 255, all colour channels */
    double consistency_max;                    /* largest |D(result) - input| */
    double consistency_within_2;               /* share of samples within 2 levels, 0..1 */
    size_t peak_bytes;                         /* most memory that the context held */
    double loss_bound_db; /* auto: the loss against the top network everywhere stays below this on 95 % of pictures like
                             those of the calibration (photographs; docs/how-it-works.md) */
    double added_rms;     /* what filter and networks added to the bicubic base: RMS over the picture, luma, levels */
    double
        expected_error_rms; /* expected difference from the unknown truth: RMS over the picture, luma, levels; 0 where
                                  it is not known */
    enum fovea_precision precision; /* of the best network: F32, BF16 or INT8; AUTO where there was none */
    double detail_rms;     /* FOVEA_MODE_VIVID: the detail added to the result: RMS over the picture, luma, levels */
    double detail_cost_db; /* FOVEA_MODE_VIVID: what it costs in PSNR-Y, as predicted without ground truth */
    int64_t n_fallbacks[FOVEA_N_CAUSES]; /* tiles that fell back, by cause, of all enlargements of the chain */
    int64_t n_like_text, n_like_skin;    /* FOVEA_MODE_FAITHFUL, _VIVID: refined tiles of the first enlargement that are
                                         like text, like skin: held near the base, and given no detail */
};

/* The paths of the tiles, row by row, n_tiles_x * n_tiles_y of enum fovea_path, and of enum fovea_cause. Owned by the
 * plan. */
struct fovea_provenance {
    int n_tiles_x, n_tiles_y;
    const uint8_t *path;
    const uint8_t *cause;
};

/* Figures of the tiles, row by row, n_tiles_x * n_tiles_y as in the provenance: RMS over the output pixels of a tile,
 * luma, levels of 255. Owned by the plan. added: what filter or network added to the bicubic base in the first
 * enlargement of the chain. expected_error: the expected difference of the result from the unknown truth, a regression
 * on the analysis and on what was added, calibrated on photographs that were reduced by the exact antialiased bicubic;
 * NULL where the picture was not analysed. Of a longer chain it counts the first enlargement only. */
struct fovea_tile_figures {
    int n_tiles_x, n_tiles_y;
    const float *added, *expected_error;
    const float *detail; /* FOVEA_MODE_VIVID: the detail added to the result, part of the expected error; else NULL */
    const float *deviation; /* largest |D(result) - input| in the tile, all colour channels; NULL where consistency is
                               off */
};

typedef struct fovea_plan fovea_plan;

/* Prepare enlarging a picture of this size and format. params: NULL = defaults, read during the call only (a model must
 * outlive the plan). Errors: FOVEA_E_ARG (a value out of range; the text names the field), FOVEA_E_UNSUPPORTED (no such
 * network at this scale), FOVEA_E_LIMIT (over memory_bytes, or an output beyond 2^30 a side), FOVEA_E_NOMEM. Free with
 * fovea_plan_free. A plan may run any number of times, one at a time. */
FOVEA_API int fovea_plan_build(fovea_plan **out, fovea_context *ctx, int width, int height,
                               const struct fovea_format *format, const struct fovea_upscale_params *params);
FOVEA_API void fovea_plan_free(fovea_plan **plan);

/* Size of the result, or of the piece of it that is made; its format is the input's. */
FOVEA_API int fovea_plan_width(const fovea_plan *plan);
FOVEA_API int fovea_plan_height(const fovea_plan *plan);

/* Read the source, write the sink. auto reads twice: by the source's rewind, or from a temporary file that it makes.
 * progress and report may be NULL. Returns FOVEA_OK, FOVEA_E_CANCELLED, or the source's or sink's own error. */
FOVEA_API int fovea_plan_run(fovea_plan *plan, const struct fovea_source *source, const struct fovea_sink *sink,
                             const struct fovea_progress *progress, struct fovea_report *report);

/* Which tile took which path in the last run. */
FOVEA_API void fovea_plan_provenance(const fovea_plan *plan, struct fovea_provenance *out);

/* What the last run knows of its tiles; no tiles where there was one classical step. */
FOVEA_API void fovea_plan_tile_figures(const fovea_plan *plan, struct fovea_tile_figures *out);

/* Plan and run on pictures in memory; out->data is filled, its size must be the plan's. */
FOVEA_API int fovea_upscale(fovea_context *ctx, const struct fovea_image *in, struct fovea_image *out,
                            const struct fovea_upscale_params *params, struct fovea_report *report);

/* Output size for an input size and params. From a scale: max(1, floor(in * scale + .5)) per axis; a product that
 * misses the half by the rounding of doubles alone counts as the half. By aspect: one side is what was asked, the other
 * max(1, floor(in * asked / in_side + 1/2)) in exact integers. FOVEA_E_ARG (a field out of range, scales beyond
 * 1/64..16), FOVEA_E_LIMIT (a side beyond 2^30). */
FOVEA_API int fovea_output_size(fovea_context *ctx, int width, int height, const struct fovea_upscale_params *params,
                                int *out_width, int *out_height);

#ifdef __cplusplus
}
#endif
#endif
