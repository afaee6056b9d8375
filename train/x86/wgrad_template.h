/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Gradient of convolution weights, written once for every vector width. The including file defines
 *     vec, VW            vector type and its floats
 *     vec_load, vec_store, vec_zero, vec_set1, vec_add, vec_sub, vec_fma(a, b, c): a * b + c, vec_sum
 *     NI                 input channels of a register block
 *     dots(x, x_stride, dy, dy_stride, n, out, out_stride): out[o][i * 3 + kx] = sum over p of dy[o][p] *
 *                        x[i][p + kx - 1] for o = 0..3, i = 0..NI-1; n a multiple of VW
 *     WGRAD              name of the function to define
 */

/* The six points of a group of four output rows, and of six input rows. */
static void transform_dy(const struct train_grid *g, const float *dy, float *to, ptrdiff_t next, int n)
{
    for (int p = 0; p < n; p += VW) {
        vec d0 = vec_load(dy + p), d1 = vec_load(dy + g->plane + p);
        vec d2 = vec_load(dy + 2 * g->plane + p), d3 = vec_load(dy + 3 * g->plane + p);
        vec even = vec_add(d0, d2), odd = vec_add(d1, d3);
        vec even4 = vec_fma(vec_set1(4.0f), d2, d0), odd4 = vec_fma(vec_set1(4.0f), d3, d1);
        vec_store(to + p, d0);
        vec_store(to + next + p, vec_add(even, odd));
        vec_store(to + 2 * next + p, vec_sub(even, odd));
        vec_store(to + 3 * next + p, vec_fma(vec_set1(2.0f), odd4, even4));
        vec_store(to + 4 * next + p, vec_fma(vec_set1(-2.0f), odd4, even4));
        vec_store(to + 5 * next + p, d3);
    }
}

static void transform_x(const struct train_grid *g, const float *x, float *to, ptrdiff_t next, int n)
{
    for (int p = -16; p < n + 16; p += VW) {
        vec d0 = vec_load(x + train_grid_row(g, -1) + p), d1 = vec_load(x + p), d2 = vec_load(x + g->plane + p);
        vec d3 = vec_load(x + 2 * g->plane + p), d4 = vec_load(x + 3 * g->plane + p);
        vec d5 = vec_load(x + train_grid_row(g, 4) + p);
        vec a = vec_fma(vec_set1(-4.0f), d2, d4), b = vec_fma(vec_set1(-4.0f), d1, d3);
        vec c = vec_sub(d4, d2), e = vec_sub(d3, d1);
        vec_store(to + p, vec_fma(vec_set1(4.0f), d0, vec_fma(vec_set1(-5.0f), d2, d4)));
        vec_store(to + next + p, vec_add(a, b));
        vec_store(to + 2 * next + p, vec_sub(a, b));
        vec_store(to + 3 * next + p, vec_fma(vec_set1(2.0f), e, c));
        vec_store(to + 4 * next + p, vec_fma(vec_set1(-2.0f), e, c));
        vec_store(to + 5 * next + p, vec_fma(vec_set1(4.0f), d1, vec_fma(vec_set1(-5.0f), d3, d5)));
    }
}

/* Three taps of a column from the sums at the six points, next floats apart. */
static void column_gradient(const float *sum, ptrdiff_t next, float *grad)
{
    float p12 = sum[next] + sum[2 * next], q12 = sum[next] - sum[2 * next];
    float p34 = sum[3 * next] + sum[4 * next], q34 = sum[3 * next] - sum[4 * next];
    grad[0] += sum[0] * 0.25f - p12 * (1.0f / 6.0f) + p34 * (1.0f / 24.0f);
    grad[3] += q34 * (1.0f / 12.0f) - q12 * (1.0f / 6.0f);
    grad[6] += p34 * (1.0f / 6.0f) - p12 * (1.0f / 6.0f) + sum[5 * next];
}

/* scratch: inputs [6][inputs][row], outputs [6][outputs][row], sums [6][outputs][inputs][3]; channels beyond the last
 * are zeros. */
static void wgrad_quad(const struct train_grid *g, int c_in, int c_out, const float *x, const float *dy, float *scratch,
                       float *grad)
{
    int n = train_grid_padded(g), n_in = (c_in + NI - 1) / NI * NI, n_out = (c_out + 3) / 4 * 4;
    ptrdiff_t row = n + 48, next_in = n_in * row, next_out = n_out * row, next_sum = (ptrdiff_t)n_out * n_in * 3;
    float *tx = scratch + 16, *ty = scratch + 6 * next_in, *sums = ty + 6 * next_out;
    for (int i = 0; i < c_in; i++)
        transform_x(g, x + i * g->stride, tx + i * row, next_in, n);
    for (int o = 0; o < c_out; o++)
        transform_dy(g, dy + o * g->stride, ty + o * row, next_out, n);
    for (int m = 0; m < 6; m++) {
        for (int i = c_in; i < n_in; i++)
            memset(tx + m * next_in + i * row - 16, 0, (size_t)(n + 32) * sizeof *tx);
        for (int o = c_out; o < n_out; o++)
            memset(ty + m * next_out + o * row, 0, (size_t)n * sizeof *ty);
        for (int i = 0; i < n_in; i += NI) /* outermost, so that the planes of dy stay in the first cache */
            for (int o = 0; o < n_out; o += 4)
                dots(tx + m * next_in + i * row, row, ty + m * next_out + o * row, row, n,
                     sums + m * next_sum + (ptrdiff_t)(o * n_in + i) * 3, (ptrdiff_t)n_in * 3);
    }
    for (int o = 0; o < c_out; o++)
        for (int i = 0; i < c_in; i++)
            for (int kx = 0; kx < 3; kx++)
                column_gradient(sums + (ptrdiff_t)(o * n_in + i) * 3 + kx, next_sum,
                                grad + (ptrdiff_t)(o * c_in + i) * 9 + kx);
}

/* One weight. */
static float dot(const float *a, const float *b, int n)
{
    vec s = vec_zero();
    for (int p = 0; p < n; p += VW)
        s = vec_fma(vec_load(a + p), vec_load(b + p), s);
    return vec_sum(s);
}

void WGRAD(const struct train_grid *g, int k, int c_in, int c_out, const float *x, const float *dy, float *scratch,
           float *grad)
{
    int n = train_grid_padded(g);
    if (k == 3 && c_in >= 4 && c_out >= 4) {
        wgrad_quad(g, c_in, c_out, x, dy, scratch, grad);
        return;
    }
    for (int o = 0; o < c_out; o++)
        for (int i = 0; i < c_in; i++)
            for (int t = 0; t < k * k; t++)
                for (int y = 0; y < TRAIN_PHASES; y++)
                    grad[(o * c_in + i) * k * k + t] += dot(
                        dy + o * g->stride + y * g->plane,
                        x + i * g->stride + train_grid_row(g, y + t / k - k / 2) + t % k - k / 2, n);
}
