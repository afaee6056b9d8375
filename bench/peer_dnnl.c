/* SPDX-License-Identifier: BSD-2-Clause
 *
 * One contestant of the comparison (bench_peers.py): oneDNN runs the convolutions of a network over a whole frame, one
 * layer after the other, each with its bias and a leaky ReLU; memory formats are oneDNN's choice. Weights are random:
 * it is a measurement of speed on the same shapes. Shuffles and skips are left out.
 *
 *     peer_dnnl LAYERS WIDTH HEIGHT f32|bf16|int8 RUNS
 *         prints {"wall_ms": [...], "cpu_ms": [...], "version": "...", "kernels": "..."}; OMP_NUM_THREADS counts
 */
#include <dnnl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/rng.h"

enum { MAX_LAYERS = 64, MAX_RUNS = 100 };

struct layer {
    int k, c_in, c_out, is_active;
    dnnl_primitive_t conv;
    dnnl_exec_arg_t args[4];
};

struct chain {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    dnnl_data_type_t type;
    int width, height, n_layers;
    struct layer layer[MAX_LAYERS];
    char kernels[512];
};

static void check(dnnl_status_t status, const char *what)
{
    if (status == dnnl_success)
        return;
    fprintf(stderr, "peer_dnnl: %s: status %d\n", what, (int)status);
    exit(1);
}

static int parse(struct chain *c, const char *text)
{
    for (const char *p = text; p && *p; p = strchr(p, ';') ? strchr(p, ';') + 1 : NULL) {
        struct layer l = { 0 };
        char word[8] = "";
        if (sscanf(p, " conv%dx%*d %d %d %7[a-z]", &l.k, &l.c_in, &l.c_out, word) < 3)
            continue;
        l.is_active = !strcmp(word, "prelu");
        if (c->n_layers == MAX_LAYERS)
            return 0;
        c->layer[c->n_layers++] = l;
    }
    return c->n_layers > 0;
}

/* Memory filled by the pattern of its type: small numbers, no denormal ones. */
static dnnl_memory_t make_memory(struct chain *c, const dnnl_memory_desc_t *desc)
{
    dnnl_memory_t memory;
    void *data;
    check(dnnl_memory_create(&memory, desc, c->engine, DNNL_MEMORY_ALLOCATE), "memory");
    check(dnnl_memory_get_data_handle(memory, &data), "memory");
    size_t bytes = dnnl_memory_desc_get_size(desc);
    struct fovi_rng rng = { 5 };
    if (desc->data_type == dnnl_f32) {
        for (size_t i = 0; i < bytes / 4; i++)
            ((float *)data)[i] = (float)(fovi_rng_uniform(&rng) - 0.5) * 0.1f;
    } else if (desc->data_type == dnnl_bf16) {
        for (size_t i = 0; i < bytes / 2; i++)
            ((uint16_t *)data)[i] = (uint16_t)(0x3c00 + (fovi_rng_below(&rng, 2) << 15) + fovi_rng_below(&rng, 256));
    } else {
        for (size_t i = 0; i < bytes; i++)
            ((uint8_t *)data)[i] = (uint8_t)fovi_rng_below(&rng, 8);
    }
    return memory;
}

/* Attributes: the activation, and the factor that brings integer sums back to eight bits. */
static dnnl_primitive_attr_t make_attributes(const struct chain *c, const struct layer *l)
{
    dnnl_primitive_attr_t attr;
    check(dnnl_primitive_attr_create(&attr), "attributes");
    if (c->type == dnnl_u8) {
        const float scale = 1.0f / (float)(l->k * l->k * l->c_in);
        check(dnnl_primitive_attr_set_output_scales(attr, 1, 0, &scale), "scales");
    }
    if (l->is_active) {
        dnnl_post_ops_t ops;
        check(dnnl_post_ops_create(&ops), "activation");
        check(dnnl_post_ops_append_eltwise(ops, 1.0f, dnnl_eltwise_relu, c->type == dnnl_u8 ? 0.0f : 0.2f, 0.0f),
              "activation");
        check(dnnl_primitive_attr_set_post_ops(attr, ops), "activation");
        dnnl_post_ops_destroy(ops);
    }
    return attr;
}

static void note_kernel(struct chain *c, const_dnnl_primitive_desc_t desc)
{
    const char *name = "";
    if (dnnl_primitive_desc_query(desc, dnnl_query_impl_info_str, 0, &name) == dnnl_success &&
        !strstr(c->kernels, name) && strlen(c->kernels) + strlen(name) + 2 < sizeof c->kernels) {
        strcat(c->kernels, *c->kernels ? " " : "");
        strcat(c->kernels, name);
    }
}

/* Build one layer on the memory of the one before (NULL: the first). */
static void build(struct chain *c, struct layer *l, dnnl_memory_t src)
{
    int is_int = c->type == dnnl_u8;
    const dnnl_dims_t in = { 1, l->c_in, c->height, c->width }, out = { 1, l->c_out, c->height, c->width };
    const dnnl_dims_t kernel = { l->c_out, l->c_in, l->k, l->k }, bias = { l->c_out };
    const dnnl_dims_t step = { 1, 1 }, pad = { l->k / 2, l->k / 2 };
    dnnl_memory_desc_t in_md, out_md, kernel_md, bias_md;
    check(dnnl_memory_desc_init_by_tag(&in_md, 4, in, c->type, dnnl_format_tag_any), "input");
    check(dnnl_memory_desc_init_by_tag(&out_md, 4, out, c->type, dnnl_format_tag_any), "output");
    check(dnnl_memory_desc_init_by_tag(&kernel_md, 4, kernel, is_int ? dnnl_s8 : c->type, dnnl_format_tag_any),
          "weights");
    check(dnnl_memory_desc_init_by_tag(&bias_md, 1, bias, dnnl_f32, dnnl_a), "bias");
    if (src) { /* take what the layer before makes */
        const dnnl_memory_desc_t *made;
        check(dnnl_memory_get_memory_desc(src, &made), "input");
        in_md = *made;
    }
    dnnl_convolution_desc_t conv;
    check(dnnl_convolution_forward_desc_init(&conv, dnnl_forward_inference, dnnl_convolution_direct, &in_md, &kernel_md,
                                             &bias_md, &out_md, step, pad, pad),
          "convolution");
    dnnl_primitive_attr_t attr = make_attributes(c, l);
    dnnl_primitive_desc_t desc;
    check(dnnl_primitive_desc_create(&desc, &conv, attr, c->engine, NULL), "no kernel for this type");
    note_kernel(c, desc);
    check(dnnl_primitive_create(&l->conv, desc), "convolution");
    const dnnl_memory_desc_t *src_md = dnnl_primitive_desc_query_md(desc, dnnl_query_src_md, 0);
    l->args[0] = (dnnl_exec_arg_t){ DNNL_ARG_SRC, src ? src : make_memory(c, src_md) };
    l->args[1] = (dnnl_exec_arg_t){ DNNL_ARG_WEIGHTS,
                                    make_memory(c, dnnl_primitive_desc_query_md(desc, dnnl_query_weights_md, 0)) };
    l->args[2] = (dnnl_exec_arg_t){ DNNL_ARG_BIAS, make_memory(c, &bias_md) };
    l->args[3] = (dnnl_exec_arg_t){ DNNL_ARG_DST,
                                    make_memory(c, dnnl_primitive_desc_query_md(desc, dnnl_query_dst_md, 0)) };
    dnnl_primitive_attr_destroy(attr);
    dnnl_primitive_desc_destroy(desc);
}

static void run(const struct chain *c)
{
    for (int i = 0; i < c->n_layers; i++)
        check(dnnl_primitive_execute(c->layer[i].conv, c->stream, 4, c->layer[i].args), "run");
    check(dnnl_stream_wait(c->stream), "run");
}

static void print_list(const char *name, const double *ms, int n)
{
    printf("\"%s\": [", name);
    for (int i = 0; i < n; i++)
        printf("%s%.3f", i ? ", " : "", ms[i]);
    printf("], ");
}

int main(int argc, char **argv)
{
    static struct chain c;
    double ms[MAX_RUNS], cpu[MAX_RUNS];
    int n_runs = argc > 5 ? atoi(argv[5]) : 0;
    if (argc != 6 || n_runs < 1 || n_runs > MAX_RUNS || !parse(&c, argv[1])) {
        fprintf(stderr, "usage: peer_dnnl LAYERS WIDTH HEIGHT f32|bf16|int8 RUNS\n");
        return 2;
    }
    c.width = atoi(argv[2]);
    c.height = atoi(argv[3]);
    c.type = !strcmp(argv[4], "bf16") ? dnnl_bf16 : !strcmp(argv[4], "int8") ? dnnl_u8 : dnnl_f32;
    check(dnnl_engine_create(&c.engine, dnnl_cpu, 0), "engine");
    check(dnnl_stream_create(&c.stream, c.engine, dnnl_stream_default_flags), "stream");
    for (int i = 0; i < c.n_layers; i++)
        build(&c, &c.layer[i], i ? c.layer[i - 1].args[3].memory : NULL);
    for (int i = -1; i < n_runs; i++) { /* the first warms up */
        double start = fovi_clock_ms();
        clock_t used = clock();
        run(&c);
        if (i >= 0) {
            ms[i] = fovi_clock_ms() - start;
            cpu[i] = (double)(clock() - used) * 1e3 / CLOCKS_PER_SEC;
        }
    }
    const dnnl_version_t *version = dnnl_version();
    putchar('{');
    print_list("wall_ms", ms, n_runs);
    print_list("cpu_ms", cpu, n_runs);
    printf("\"version\": \"%d.%d.%d\", \"kernels\": \"%s\"}\n", version->major, version->minor, version->patch,
           c.kernels);
    return 0;
}
