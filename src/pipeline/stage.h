/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Stages: producers of rows that pull rows from one another.
 *
 * A run is a chain of stages from the source to the writer. Each keeps a window of its last rows; asked for rows up to
 * some number it asks the stages before it and goes on from where it was. So every stage works in strips, memory is a
 * few strips, and what a row holds does not depend on how the strips were cut.
 */
#ifndef FOVI_PIPELINE_STAGE_H
#define FOVI_PIPELINE_STAGE_H

#include "fovea/analyze.h"
#include "fovea/upscale.h"
#include "image/convert_dsp.h"
#include "image/window.h"
#include "net/exec.h"
#include "resample/axis.h"

/* Most rows that a consumer takes from a stage at a time (run.piece), so that windows need not hold more. */
#define FOVI_STAGE_PIECE 32

/* Most taps of a vertical kernel: a reduction by 64 with lanczos3 has 386. */
#define FOVI_AXIS_MAX_TAPS 512

/* How the levels that the stages work on differ from the samples. */
enum fovi_curve {
    FOVI_CURVE_NONE = 0,
    FOVI_CURVE_ENCODE, /* samples are linear light, levels display-encoded */
    FOVI_CURVE_DECODE  /* samples are display-encoded, levels linear light */
};

/* What the stages of one plan share. */
struct fovi_run {
    fovea_context *ctx;
    struct fovea_format format;
    int n_color; /* planes that carry colour; alpha, where there is one, comes after them */
    int is_rgb;  /* one luma for the three planes */
    int copies;  /* the result has the input's size: its samples pass as they are */
    enum fovi_curve curve;
    float white; /* float samples: display white */
    int strip;   /* input rows worked on at a time, a multiple of FOVEA_TILE */
    int piece;   /* rows that a consumer takes from a stage at a time, 1..FOVI_STAGE_PIECE */
    const struct fovea_source *source;
    const struct fovi_convert_dsp *convert;
    double ms[FOVEA_N_STAGES];
};

/* What part of a picture a stage makes. Everything else about a stage counts from the part's corner. */
struct fovi_frame {
    int full_width, full_height; /* of the picture */
    int x, y, width, height;     /* of the part */
};

static inline struct fovi_frame fovi_frame_whole(int width, int height)
{
    return (struct fovi_frame){ width, height, 0, 0, width, height };
}

/* The part enlarged by a whole number. */
static inline struct fovi_frame fovi_frame_scaled(const struct fovi_frame *f, int scale)
{
    return (struct fovi_frame){ f->full_width * scale, f->full_height * scale, f->x * scale,
                                f->y * scale,          f->width * scale,       f->height * scale };
}

/* The axes of a resampling between parts of two pictures. */
int fovi_frame_axes(fovea_context *ctx, enum fovea_kernel kernel, const struct fovi_frame *from,
                    const struct fovi_frame *to, struct fovi_axis *ax, struct fovi_axis *ay);

/* Where rows y .. y + n - 1 of a result go as samples: from column x on, width of them. */
struct fovi_samples {
    int x, y, n, width;
    void *rows;
    ptrdiff_t stride_bytes;
};

struct fovi_stage {
    struct fovi_run *run;
    struct fovi_window out;
    /* Make rows out.y1 .. y_end-1 (y_end <= height; a stage may make more). */
    int (*advance)(struct fovi_stage *stage, int y_end);
    /* NULL; or what stands for advance where the rows are wanted as samples and nowhere else: out holds none then.
     * samples->y goes on from where it was. */
    int (*store)(struct fovi_stage *stage, const struct fovi_samples *samples);
    void (*reset)(struct fovi_stage *stage); /* before a picture */
    void (*free)(struct fovi_stage *stage);  /* memory and the stage itself */
    struct fovi_frame frame;
    int n_rows; /* of each plane in the loop in work */
};

/* A loop over n_rows rows of n_planes planes: job i is row i % n_rows of plane i / n_rows, so that a thread stays with
 * its planes from stage to stage. arg of the job: the stage. */
static inline void fovi_stage_loop(struct fovi_stage *stage, fovi_job *job, int n_planes, int n_rows)
{
    stage->n_rows = n_rows;
    fovi_parallel_near(stage->run->ctx, job, stage, n_planes * n_rows);
}

/* Slices of columns, which begin at multiples of 16. */
static inline int fovi_slice_begin(int index, int n_slices, int width)
{
    return index < n_slices ? (int)((int64_t)width * index / n_slices) / 16 * 16 : width;
}

/* What a plane gets of the gain that its luma gets: red, green and blue the same, so that grey stays grey. */
static inline float fovi_gain_factor(const struct fovi_run *run, int plane, float strength)
{
    return strength * (run->is_rgb && plane < 3 ? 255.0f / 219.0f : 1.0f);
}

/* Make sure that rows up to y_end-1 (or the last) were made. */
static inline int fovi_stage_need(struct fovi_stage *stage, int y_end)
{
    y_end = y_end < stage->out.height ? y_end : stage->out.height;
    return y_end > stage->out.y1 ? stage->advance(stage, y_end) : FOVEA_OK;
}

/* ---- samples.c: between samples and levels ---- */

/* A row of interleaved samples to levels. Colour goes through the run's curve, alpha does not. */
void fovi_run_load_row(const struct fovi_run *run, const void *row, int width, float *const *planes);

/* n rows at once on all threads: rows of samples to rows y .. y+n-1 of w, and rows y .. y+n-1 of w from column x on to
 * rows of samples. */
void fovi_run_load_rows(const struct fovi_run *run, const void *rows, ptrdiff_t stride_bytes, int n,
                        const struct fovi_window *w, int y);
void fovi_run_store_rows(const struct fovi_run *run, const struct fovi_window *w, const struct fovi_samples *samples);

/* Of row y of a result, whose columns x0 .. x1 - 1 planes hold, those that samples asks for. */
void fovi_run_store_slice(const struct fovi_run *run, const float *const *planes, int x0, int x1, int y,
                          const struct fovi_samples *samples);

/* The range of luma (or of a mask) that filter and networks know. Only float pictures may go beyond it. */
void fovi_run_luma_range(const struct fovi_run *run, int is_mask, float *low, float *high);
void fovi_run_clamp_luma(float low, float high, int n, float *luma);

/* ---- the kinds ---- */

/* Rows of the source as planes. Colour under full transparency is filled from visible neighbours, so that nothing of
 * it bleeds into what can be seen. The source is run->source when it is read. capacity: rows that consumers hold. */
int fovi_load_create(struct fovi_run *run, const struct fovi_frame *frame, int capacity, struct fovi_stage **out);

/* A classical step to any size; frame: of the result. */
int fovi_resize_create(struct fovi_run *run, struct fovi_stage *in, enum fovea_kernel kernel,
                       const struct fovi_frame *frame, int capacity, struct fovi_stage **out);

struct fovi_graph;
struct fovi_filter;

/* What refines an enlargement by 2, 3 or 4. */
enum { FOVI_MAX_NETWORKS = 4 };
struct fovi_refine_params {
    int scale;
    int is_strict;                    /* the judge's narrower limits; what is like text or skin is held near the base */
    const struct fovi_filter *filter; /* for tiles of FOVEA_PATH_FILTER; NULL: there are none */
    int n_networks;
    struct fovi_refine_network {
        const struct fovi_graph *graph;
        enum fovea_path path; /* the tiles that it takes */
        enum fovi_exec_format format;
    } network[FOVI_MAX_NETWORKS];
    uint8_t *path;     /* of each tile of the input, borrowed, filled before a run; tiles that fail are changed */
    uint8_t *cause;    /* of each tile, enum fovea_cause, borrowed, cleared before a run */
    uint8_t *likeness; /* of each tile, enum fovi_likeness, borrowed, filled by a run; NULL: not wanted */
    float *added; /* of each tile, borrowed: mean square of what was added to luma, filled by a run; NULL: not wanted */
};

/* What filter or network add to the luma of bicubic: a plane for each luma and for a mask, none where there is neither
 * filter nor network. */
int fovi_refine_create(struct fovi_run *run, struct fovi_stage *in, const struct fovi_refine_params *params,
                       int capacity, struct fovi_stage **out);

/* Work of one of the stage's networks in the last run, in its input pixels. */
double fovi_refine_network_px(const struct fovi_stage *stage, int network);

/* Milliseconds of all threads together that it would take everywhere, but for masks; 0: not known. */
double fovi_refine_whole_ms(const struct fovi_stage *stage, int network);

/* Milliseconds that networks took for a mask. */
double fovi_refine_mask_ms(const struct fovi_stage *stage);

/* Whether a step of back-projection at these ratios corrects all frequencies alike (docs/how-it-works.md). */
int fovi_project_is_sharp(double rx, double ry);

/* Steps of back-projection, x + weight * U P (lr - D x): the first n_whole everywhere, the others where the range of
 * integer samples cut those off. */
enum { FOVI_MAX_STEPS = 16 };
struct fovi_project_params {
    int n_steps, n_whole; /* 1 <= n_whole <= n_steps */
    int n_sharp;          /* the others leave P out: D transposed, nearly */
    float weight[FOVI_MAX_STEPS];
    int has_range;  /* what is corrected are samples and held to their range, not differences of any sign */
    float strength; /* of gain, 0..1 */
};

/* Bicubic plus strength times gain; capacity 0: its rows are only stored. */
int fovi_plain_base_create(struct fovi_run *run, struct fovi_stage *in, struct fovi_stage *gain, float strength,
                           int capacity, struct fovi_stage **out);

/* The same, and the steps. */
int fovi_base_create(struct fovi_run *run, struct fovi_stage *in, struct fovi_stage *gain,
                     const struct fovi_project_params *params, int capacity, struct fovi_stage **out);

/* The steps in the rows of in, which nobody else may read; it holds rows for all steps (plan.c).
 */
int fovi_project_create(struct fovi_run *run, struct fovi_stage *in, struct fovi_stage *lr,
                        const struct fovi_project_params *params, struct fovi_stage **out);

/* ---- the meter: D(result as written) - input ---- */

struct fovi_meter;
int fovi_meter_create(struct fovi_run *run, struct fovi_stage *lr, const struct fovi_frame *frame,
                      struct fovi_meter **out);
/* picture: where the rows are written and stay; NULL where they do not. */
void fovi_meter_reset(struct fovi_meter *meter, const struct fovea_image *picture);
void fovi_meter_free(struct fovi_meter **meter);

/* Where the next rows (a piece at most) are to be written before they are pushed; NULL where any place will do. */
void *fovi_meter_place(const struct fovi_meter *meter, ptrdiff_t *stride_bytes);

/* Take n rows as written (interleaved): a piece of the run, and what is left of the picture at its end. Beside that, on
 * the caller's thread, beside(arg). */
void fovi_meter_push(struct fovi_meter *meter, const void *rows, ptrdiff_t stride_bytes, int n,
                     void (*beside)(void *arg), void *arg);

/* After the last row: RMS, largest and share within two levels. */
void fovi_meter_result(const struct fovi_meter *meter, struct fovea_report *report);

/* The largest deviation in each tile of the input, row by row; NULL before a run. */
const float *fovi_meter_tiles(const struct fovi_meter *meter);

/* ---- the judge of tiles ---- */

struct fovi_measure_dsp; /* measure_dsp.h */

/* What is added to a tile of the input: scale * height rows of scale * width floats, luma levels. */
struct fovi_judged_tile {
    int x, y, width, height, scale;
    const float *delta;
    ptrdiff_t stride;
};

/* Whether a tile can be trusted (FOVEA_CAUSE_NONE) or why not. luma: the input, two pixels around the tile included.
 * is_strict: narrower limits. mean_square: of what is added. */
enum fovea_cause fovi_judge_tile(const struct fovi_measure_dsp *dsp, const struct fovi_window *luma,
                                 const struct fovi_judged_tile *tile, int is_strict, float *mean_square);

/* Mean square of what is added to a tile. */
float fovi_judge_mean_square(const struct fovi_measure_dsp *dsp, const struct fovi_judged_tile *tile);

/* What people read meaning into. */
enum fovi_likeness { FOVI_LIKE_NOTHING = 0, FOVI_LIKE_TEXT, FOVI_LIKE_SKIN, FOVI_N_LIKENESSES };

/* Pixels around a tile that are looked at. */
#define FOVI_LIKENESS_REACH 8

/* Of the tile at x, y: luma and, where there is colour, red, green and blue of the input, as far as the reach. */
enum fovi_likeness fovi_likeness_of(const struct fovi_window *luma, const struct fovi_window *rgb, int x, int y);

/* Whether columns x0..x1-1 of rows y0..y1-1 (what of them lies in the picture) all hold one level. */
int fovi_judge_is_flat(const struct fovi_window *luma, int x0, int x1, int y0, int y1);

#endif
