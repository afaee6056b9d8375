/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the commands of fovea share: exit codes, the option table, messages, files, progress, the picture maker's
 * options.
 */
#ifndef FOVEA_CLI_H
#define FOVEA_CLI_H

#include <jansson.h>
#include <stdio.h>
#include <time.h>

#include <fovea-io/io.h>
#include <fovea/fovea.h>

#include "eta.h"

enum cli_exit {
    CLI_OK = 0,
    CLI_SOME_FAILED = 1, /* several inputs, some of them failed */
    CLI_USAGE = 2,
    CLI_INPUT = 3,    /* an input could not be read or understood */
    CLI_OUTPUT = 4,   /* something could not be written */
    CLI_RESOURCE = 5, /* out of memory, over a limit */
    CLI_CANCELLED = 6,
    CLI_CHECK = 7 /* a check failed under --strict */
};

struct cli_command;

/* One run of the program. */
struct cli {
    const struct cli_command *command;
    int n_threads, is_json, is_quiet; /* the options that every command has */
    int progress;                     /* one of them too: enum cli_progress_kind */
    const char *command_line;         /* as a shell takes it */
    time_t begun;                     /* when the program began */
    uint32_t cpu_mask;                /* from FOVEA_CPU */
    size_t memory_bytes;              /* ceiling of the context, 0 = none */
    int64_t max_pixels;               /* of an input, 0 = the file library's own limit */
    int is_result_silent;             /* 1: the result itself goes to standard output */
    int is_one_of_several;            /* 1: other pictures are in work at the same time, so no bar is drawn */
    fovea_context *ctx;
    fovea_io *io;
    const char *stdin_path; /* where standard input lies that "-" stands for; NULL: nowhere */
};

/* ---- options.c: one table feeds parser and help ---- */

enum cli_kind { CLI_FLAG, CLI_WORD, CLI_WORDS, CLI_CHOICE, CLI_INTEGER, CLI_NUMBER };

/* Values of an option that may be given again and again. */
struct cli_words {
    int n;
    const char *word[32];
};

/* A row. offset: of the value in the command's options struct, whose type follows from kind: int, const char *, struct
 * cli_words, int (index of the choice), int, double. */
struct cli_option {
    const char *name;
    char letter; /* 0 = long form only */
    enum cli_kind kind;
    const char *argument; /* its name in the help; CLI_CHOICE: the words, "auto|f32" */
    const char *help;     /* a line; "" keeps the option out of the help */
    size_t offset;
    double low, high; /* CLI_INTEGER, CLI_NUMBER */
};

struct cli_command {
    const char *name, *arguments, *summary;
    const struct cli_option *options; /* ends with a row without name */
    size_t options_bytes;
    const void *defaults; /* options_bytes of them; NULL = zeros */
    int (*run)(struct cli *cli, void *options, int n_words, char **words);
};

/* Parse the arguments behind the command's name; the remaining words are moved to the front of argv. Returns their
 * number, -1 if help was printed, -2 after a usage error. */
int cli_parse_options(struct cli *cli, void *options, int argc, char **argv);
void cli_print_help(const struct cli_command *command);

/* All rows that a command understands, its own first, then those that every command has; their number. */
#define CLI_MAX_OPTIONS 64
int cli_collect_options(const struct cli_command *command, const struct cli_option **rows);

/* A decimal number without sign or exponent, whatever the locale; 0 if text is none. Of digits behind the point as many
 * count as make 15 in all. */
int cli_parse_number(const char *text, double *value);

/* The instruction sets that the value of FOVEA_CPU allows (NULL or empty: all); 0 if it is no word for any. */
int cli_parse_cpu(const char *word, uint32_t *mask);

/* Make ctx and io from the settings in cli; CLI_OK or an exit code after a message. */
int cli_open_libraries(struct cli *cli);
void cli_close_libraries(struct cli *cli);

/* ---- message.c ---- */

/* Print "fovea COMMAND: ..." to standard error; returns code. */
int cli_fail(const struct cli *cli, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* What cli_fail printed last in this thread, "" before the first time. */
const char *cli_last_message(void);
/* A remark on standard error, silent under --quiet. */
void cli_note(const struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The exit code for an error of the library; for_input: an unsupported or senseless input is the input's fault. */
int cli_exit_code(int error, int for_input);
/* Fail with the last sentence of the context, or of the file library. */
int cli_fail_core(const struct cli *cli, int error);
/* ... which does not know which file it was about. */
int cli_fail_core_of(const struct cli *cli, const char *input, int error);
int cli_fail_io(const struct cli *cli, int error, int for_input);
/* Fail for a model file that could not be loaded; the sentence names it once. */
int cli_fail_model(const struct cli *cli, int error, const char *path);
/* Print a JSON object to standard output and drop it. */
int cli_print_json(const struct cli *cli, json_t *object);
/* A number for JSON: null where it is not finite. */
json_t *cli_json_number(double value);
/* Text for JSON, such as a file's name: bytes that are no UTF-8 become U+FFFD. */
json_t *cli_json_text(const char *text);
/* When the program began, as ISO 8601 in UTC: all that one run writes bears one date. */
json_t *cli_json_date(const struct cli *cli);

/* ---- files.c ---- */

/* 1 if both names lead to the same file. */
int cli_is_same_file(const char *a, const char *b);
int cli_is_folder(const char *path);
int cli_exists(const char *path);
int cli_has_ending(const char *path, const char *ending);
const char *cli_base_name(const char *path);
/* "folder/name" in new memory. */
char *cli_join(const char *folder, const char *name);
/* The folder of path can be written to; else CLI_OUTPUT after a message. */
int cli_check_writable(const struct cli *cli, const char *path);
/* So can a --report, and it ends in .html or .json; else CLI_USAGE or CLI_OUTPUT after a message. */
int cli_check_report(const struct cli *cli, const char *path);
/* The pictures of a folder by their endings, sorted by name: count, or -1 after a message. Free with cli_free_names. */
int cli_list_pictures(const struct cli *cli, const char *folder, char ***paths);
void cli_free_names(char **paths, int n);
/* A text file that is written under a temporary name in the same folder and gets its name when it is complete: print to
 * file, then finish in any case. An error of writing shows at the end; nothing is then left. CLI_OK or CLI_OUTPUT. */
struct cli_new_file {
    FILE *file;
    const char *path;
    char *temporary;
};
int cli_new_file_open(struct cli_new_file *out, const struct cli *cli, const char *path);
int cli_new_file_finish(struct cli_new_file *file, const struct cli *cli);
/* Write a JSON object to a file in that way. */
int cli_write_json(const struct cli *cli, const char *path, const json_t *object);

/* ---- progress.c ---- */

/* By --progress. AUTO: a bar on terminals. */
enum cli_progress_kind { CLI_PROGRESS_AUTO, CLI_PROGRESS_BAR, CLI_PROGRESS_JSON, CLI_PROGRESS_NONE };

struct cli_progress {
    enum cli_progress_kind kind; /* never AUTO */
    struct cli_eta eta;
    double done; /* as it was last told, 0..1 */
    const char *label;
    double megapixels; /* of the whole work; 0 = no rate is shown */
    int has_long_end;  /* done = 1 is not the end: time left is not known, and the encoder's work is told */
    double start_ms, last_ms;
    struct fovea_progress callback; /* for the library */
};

/* A bar, or lines of JSON, on standard error. Ctrl-C cancels through it in any case. */
void cli_progress_begin(struct cli_progress *p, const struct cli *cli, const char *label, double megapixels);
void cli_progress_end(struct cli_progress *p);
/* Let SIGINT and SIGTERM ask for a clean end; was that asked? For commands that look. */
void cli_catch_signals(void);
int cli_is_interrupted(void);
/* A closed pipe and a file that is too large are write errors, not ends of the program. */
void cli_ignore_write_signals(void);
double cli_clock_ms(void);

/* ---- picture.c: small work on pictures in memory ---- */

/* Take memory for a picture; 0 after a message. Free with fovea_io_image_free. */
int cli_new_image(const struct cli *cli, struct fovea_image *image, int width, int height,
                  const struct fovea_format *format);
/* Sample i of a row, rounded and clipped to 8 bits. */
uint8_t cli_sample_u8(const struct fovea_format *format, const void *row, size_t i);
/* Sample i of a row as a number, 0..1 unless it is float. */
double cli_sample_at(const struct fovea_format *format, const void *row, size_t i);
/* Bring 16-bit and float samples to 8 bits, rounded. */
void cli_to_u8(struct fovea_image *image);

/* A grey eight-bit picture becomes red, green and blue, as the published tables take it (its luma is then studio
 * range); others stay. CLI_OK or CLI_RESOURCE. */
int cli_grey_to_rgb(const struct cli *cli, struct fovea_image *image);
/* Grey values 0..255 of a row as a person sees them. */
void cli_row_grey(const struct fovea_format *format, const void *row, int width, uint8_t *grey);
/* A test picture: soft shading, edges, fine texture, flat parts. */
void cli_draw_test_picture(struct fovea_image *image);

/* A picture of the reader's size: its grey copy, mixed with a colour for each pixel. share: 0..1 of the colour. */
typedef void cli_color_row(void *user, int y, int width, uint8_t *rgb);
int cli_write_map(const struct cli *cli, fovea_io_reader *reader, const char *path, double share, cli_color_row *color,
                  void *user);

/* ---- how.c: the options that say how a picture is made ---- */

struct cli_how {
    int preset, precision, consistency; /* indices of their choices */
    double max_loss_db, budget_ms;
    int strip_rows;
    double strength;
    int mode; /* enum fovea_mode */
    double detail_cost_db;
};
#define CLI_HOW_DEFAULTS                \
    {                                   \
        0, 0, 0, 0.05, 0., 0, 1., 0, .2 \
    }

/* Rows of the option table for a struct cli_how that is a member of the command's options. */
#define CLI_HOW_OPTIONS(type, member)                                                                  \
    { "preset",                                                                                        \
      0,                                                                                               \
      CLI_CHOICE,                                                                                      \
      "balanced|fast|best",                                                                            \
      "how far auto may go (default balanced)",                                                        \
      offsetof(type, member.preset),                                                                   \
      0.,                                                                                              \
      0. },                                                                                            \
        { "max-loss",                                                                                  \
          0,                                                                                           \
          CLI_NUMBER,                                                                                  \
          "DB",                                                                                        \
          "auto: predicted loss against its top network everywhere (default 0.05)",                    \
          offsetof(type, member.max_loss_db),                                                          \
          0.,                                                                                          \
          100. },                                                                                      \
        { "budget",                                                                                    \
          0,                                                                                           \
          CLI_NUMBER,                                                                                  \
          "MS",                                                                                        \
          "auto: milliseconds that the networks may take",                                             \
          offsetof(type, member.budget_ms),                                                            \
          .001,                                                                                        \
          1e9 },                                                                                       \
        { "precision",                                                                                 \
          0,                                                                                           \
          CLI_CHOICE,                                                                                  \
          "auto|f32|bf16|int8",                                                                        \
          "arithmetic of the networks",                                                                \
          offsetof(type, member.precision),                                                            \
          0.,                                                                                          \
          0. },                                                                                        \
        { "consistency",                                                                               \
          0,                                                                                           \
          CLI_CHOICE,                                                                                  \
          "default|on|off",                                                                            \
          "make the reduction of the result give the input back\n(default: on for auto and networks)", \
          offsetof(type, member.consistency),                                                          \
          0.,                                                                                          \
          0. },                                                                                        \
        { "mode",                                                                                      \
          0,                                                                                           \
          CLI_CHOICE,                                                                                  \
          "balanced|faithful|scientific|vivid",                                                        \
          "how far the result may go beyond the input\n(default balanced)",                            \
          offsetof(type, member.mode),                                                                 \
          0.,                                                                                          \
          0. },                                                                                        \
        { "detail-cost",                                                                               \
          0,                                                                                           \
          CLI_NUMBER,                                                                                  \
          "DB",                                                                                        \
          "--mode vivid: what added detail may cost a tile, in\npredicted PSNR-Y (default 0.2)",       \
          offsetof(type, member.detail_cost_db),                                                       \
          0.,                                                                                          \
          3. },                                                                                        \
        { "strength",                                                                                  \
          0,                                                                                           \
          CLI_NUMBER,                                                                                  \
          "0..1",                                                                                      \
          "share of what filter and networks add to the bicubic base\n(default 1)",                    \
          offsetof(type, member.strength),                                                             \
          0.,                                                                                          \
          1. },                                                                                        \
    {                                                                                                  \
        "strip", 0, CLI_INTEGER, "ROWS", "", offsetof(type, member.strip_rows), 1., 4096.              \
    }

/* Fill params, scale and size excepted. */
void cli_how_params(const struct cli_how *how, struct fovea_upscale_params *params);
/* The method words one by one, i = 0...; NULL behind the last. */
const char *cli_method_word(int i);
/* Set the method of params by its word; *model is loaded where the word is a file (free it after use), else NULL. */
int cli_how_method(const struct cli *cli, const char *word, struct fovea_upscale_params *params, fovea_model **model);

/* ---- inout.c: the options that say what is read of a file and how one is written ---- */

struct cli_inout {
    const char *page; /* a number or "all"; NULL = the only one */
    int svg_width;
    double svg_dpi;
    int quality, bits, strips_metadata;
    const char *compression;
};

/* Rows of the option table for a struct cli_inout that is a member of the command's options. */
#define CLI_INPUT_OPTIONS(type, member)                                                                             \
    { "page",                                                                                                       \
      0,                                                                                                            \
      CLI_WORD,                                                                                                     \
      "N|all",                                                                                                      \
      "of a file with several pages or frames: which one, from 1,\nor all of them, each to a file with its number", \
      offsetof(type, member.page),                                                                                  \
      0.,                                                                                                           \
      0. },                                                                                                         \
        { "svg-width",                                                                                              \
          0,                                                                                                        \
          CLI_INTEGER,                                                                                              \
          "W",                                                                                                      \
          "SVG: draw it W pixels wide before anything else",                                                        \
          offsetof(type, member.svg_width),                                                                         \
          1.,                                                                                                       \
          1 << 20 },                                                                                                \
    {                                                                                                               \
        "svg-dpi", 0, CLI_NUMBER, "DPI", "SVG: draw it at DPI pixels an inch (default 72)",                         \
            offsetof(type, member.svg_dpi), .1, 10000.                                                              \
    }
#define CLI_OUTPUT_OPTIONS(type, member)                                                                            \
    { "quality",                                                                                                    \
      0,                                                                                                            \
      CLI_INTEGER,                                                                                                  \
      "Q",                                                                                                          \
      "1..100: JPEG (default 95), AVIF, HEIC, DeepZoom (90); WebP,\nJPEG XL, JPEG 2000 (default: without loss)",    \
      offsetof(type, member.quality),                                                                               \
      1.,                                                                                                           \
      100. },                                                                                                       \
        { "compression",                                                                                            \
          0,                                                                                                        \
          CLI_WORD,                                                                                                 \
          "HOW",                                                                                                    \
          "PNG: 0..9 (default 2); TIFF: none, lzw (default), deflate,\nzstd, packbits, jpeg; DeepZoom: jpeg, png, " \
          "webp tiles",                                                                                             \
          offsetof(type, member.compression),                                                                       \
          0.,                                                                                                       \
          0. },                                                                                                     \
        { "bitdepth",                                                                                               \
          0,                                                                                                        \
          CLI_INTEGER,                                                                                              \
          "N",                                                                                                      \
          "bits of a sample: 8, 10, 12, 16, 32 (float), what the\nformat has (default: as many as the input)",      \
          offsetof(type, member.bits),                                                                              \
          8.,                                                                                                       \
          32. },                                                                                                    \
    {                                                                                                               \
        "strip-metadata", 0, CLI_FLAG, NULL, "leave out EXIF, XMP and IPTC; the colour profile stays",              \
            offsetof(type, member.strips_metadata), 0., 0.                                                          \
    }

/* The path that opens an input: "-" is standard input, where it was taken in. */
const char *cli_input_path(const struct cli *cli, const char *input);
/* Parameters for opening a file; page: 0 = as the options say ("all" then counts as none). CLI_OK or CLI_USAGE. */
int cli_read_params(const struct cli *cli, const struct cli_inout *inout, int page,
                    struct fovea_io_read_params *params);
struct fovea_io_write_params cli_write_params(const struct cli_inout *inout);
int cli_wants_all_pages(const struct cli_inout *inout);
/* Open a file; CLI_OK or an exit code after a message, which says how to choose a page where one must be chosen. */
int cli_open_reader(const struct cli *cli, const char *path, const struct cli_inout *inout, int page,
                    fovea_io_reader **reader);

/* ---- size.c: the options that say how large the result is ---- */

struct cli_size {
    double scale;                   /* 0 = not given */
    int width, height;              /* 0 = not given, and so below */
    const char *fit, *cover;        /* "WxH" or NULL */
    int short_side, long_side, min; /* pixels */
};

/* Rows of the option table for a struct cli_size that is a member of the command's options. */
#define CLI_SIZE_OPTIONS(type, member)                                                                               \
    { "scale",                                                                                                       \
      's',                                                                                                           \
      CLI_NUMBER,                                                                                                    \
      "S",                                                                                                           \
      "output pixels per input pixel, 1/64..16 (default 2)",                                                         \
      offsetof(type, member.scale),                                                                                  \
      1. / 64.,                                                                                                      \
      16. },                                                                                                         \
        { "width",                                                                                                   \
          0,                                                                                                         \
          CLI_INTEGER,                                                                                               \
          "W",                                                                                                       \
          "width of the result in pixels, in place of --scale",                                                      \
          offsetof(type, member.width),                                                                              \
          1.,                                                                                                        \
          1 << 30 },                                                                                                 \
        { "height",                                                                                                  \
          0,                                                                                                         \
          CLI_INTEGER,                                                                                               \
          "H",                                                                                                       \
          "height of the result in pixels, in place of --scale",                                                     \
          offsetof(type, member.height),                                                                             \
          1.,                                                                                                        \
          1 << 30 },                                                                                                 \
        { "fit", 0, CLI_WORD, "WxH", "the largest size inside WxH pixels, aspect kept", offsetof(type, member.fit),  \
          0.,    0. },                                                                                               \
        { "cover",                                                                                                   \
          0,                                                                                                         \
          CLI_WORD,                                                                                                  \
          "WxH",                                                                                                     \
          "the smallest size that covers WxH, aspect kept, nothing cut off",                                         \
          offsetof(type, member.cover),                                                                              \
          0.,                                                                                                        \
          0. },                                                                                                      \
        { "short", 0, CLI_INTEGER, "N", "shorter side in pixels", offsetof(type, member.short_side), 1., 1 << 30 },  \
        { "long", 0, CLI_INTEGER, "N", "the longer side in pixels", offsetof(type, member.long_side), 1., 1 << 30 }, \
    {                                                                                                                \
        "min", 0, CLI_INTEGER, "N", "enlarge only where the shorter side is less than N,\nthen to N",                \
            offsetof(type, member.min), 1., 1 << 30                                                                  \
    }

/* Set the size of params; CLI_OK or CLI_USAGE after a message. */
int cli_size_params(const struct cli *cli, const struct cli_size *size, struct fovea_upscale_params *params);

/* Set the crop of params from "X,Y,W,H" (NULL = none); CLI_OK or CLI_USAGE after a message. */
int cli_crop_params(const struct cli *cli, const char *crop, struct fovea_upscale_params *params);

/* ---- report.c: what a run did, for people and as JSON ---- */

struct cli_run {
    const char *input, *output, *method;
    const struct fovea_upscale_params *params;
    const fovea_model *model; /* from a file, or NULL */
    const struct fovea_io_loss *loss;
    int page;          /* 0 = the file's only one */
    json_t *reference; /* the result against the true picture, or NULL */
    struct fovea_report report;
    const struct cli_selftest *selftest; /* selftest.h; NULL = not asked for */
    struct fovea_tile_figures tiles;     /* the plan's */
};

/* Quantiles of the tiles' figures, {"p10": ..., "p50", "p90", "p99", "max"}; NULL without memory. In maps.c. */
json_t *cli_quantiles(const float *figures, int n_tiles_x, int n_tiles_y);

/* Tiles that fell back to the base, of all steps, and why: "drift 2, energy 1". */
#define CLI_CAUSES_TEXT 160
int64_t cli_count_fallbacks(const struct fovea_report *report, char text[CLI_CAUSES_TEXT]);

void cli_print_run(const struct cli_run *run);
json_t *cli_json_run(const struct cli *cli, const struct cli_run *run);

/* ---- the commands ---- */

extern const struct cli_command cli_upscale, cli_downscale, cli_compare, cli_analyze, cli_evaluate, cli_bench, cli_info,
    cli_models, cli_version, cli_completions;

/* All of them, a NULL behind the last. */
extern const struct cli_command *const cli_commands[];

#endif
