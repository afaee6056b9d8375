/* SPDX-License-Identifier: BSD-2-Clause
 *
 * As much of cmocka's interface as the kernels' tests use, for cross builds: there is no cmocka for the other machine.
 * A failed assertion ends its test by longjmp; the group goes on, prints as cmocka does and returns the failures.
 * Emulation is slow: CROSS_TESTS in the environment may hold a part of the names of the tests to run.
 */
#ifndef TESTS_CROSS_CMOCKA_H
#define TESTS_CROSS_CMOCKA_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct CMUnitTest {
    const char *name;
    void (*run)(void **state);
    int (*setup)(void **state), (*teardown)(void **state);
};

enum cross_end { CROSS_PASSED, CROSS_FAILED, CROSS_SKIPPED };

static jmp_buf cross_leave;

#define cmocka_unit_test_setup_teardown(f, up, down) \
    {                                                \
#f, f, up, down                              \
    }
#define cmocka_unit_test(f) cmocka_unit_test_setup_teardown(f, NULL, NULL)

__attribute__((format(printf, 3, 4), noreturn)) static inline void cross_fail(const char *file, int line,
                                                                              const char *format, ...)
{
    va_list args;
    fprintf(stderr, "%s:%d: ", file, line);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    longjmp(cross_leave, CROSS_FAILED);
}

static inline void cross_true(int is_true, const char *text, const char *file, int line)
{
    if (!is_true)
        cross_fail(file, line, "not so: %s", text);
}

static inline void cross_int_equal(unsigned long long a, unsigned long long b, const char *file, int line)
{
    if (a != b)
        cross_fail(file, line, "%lld is not %lld", (long long)a, (long long)b);
}

static inline void cross_in_range(unsigned long long v, unsigned long long least, unsigned long long most,
                                  const char *file, int line)
{
    if (v < least || v > most)
        cross_fail(file, line, "%llu is not in %llu..%llu", v, least, most);
}

#define fail_msg(...) cross_fail(__FILE__, __LINE__, __VA_ARGS__)
#define skip() longjmp(cross_leave, CROSS_SKIPPED)
#define print_message printf
#define assert_true(c) cross_true((c) != 0, #c, __FILE__, __LINE__)
#define assert_false(c) cross_true(!(c), "!(" #c ")", __FILE__, __LINE__)
#define assert_null(p) cross_true(!(p), #p " is NULL", __FILE__, __LINE__)
#define assert_non_null(p) cross_true((p) != NULL, #p, __FILE__, __LINE__)
#define assert_int_equal(a, b) cross_int_equal((unsigned long long)(a), (unsigned long long)(b), __FILE__, __LINE__)
#define assert_in_range(v, a, b) \
    cross_in_range((unsigned long long)(v), (unsigned long long)(a), (unsigned long long)(b), __FILE__, __LINE__)
#define assert_ptr_equal(a, b) cross_true((a) == (b), #a " == " #b, __FILE__, __LINE__)
#define assert_ptr_not_equal(a, b) cross_true((a) != (b), #a " != " #b, __FILE__, __LINE__)
#define assert_string_equal(a, b) cross_true(!strcmp(a, b), #a " is " #b, __FILE__, __LINE__)
#define assert_string_not_equal(a, b) cross_true(strcmp(a, b) != 0, #a " is not " #b, __FILE__, __LINE__)
#define assert_memory_equal(a, b, n) cross_true(!memcmp(a, b, n), #a " holds " #b, __FILE__, __LINE__)

static inline enum cross_end cross_run(const struct CMUnitTest *test)
{
    void *state = NULL;
    int end = setjmp(cross_leave);
    if (end)
        return (enum cross_end)end;
    if (test->setup && test->setup(&state))
        return CROSS_FAILED;
    test->run(&state);
    return test->teardown && test->teardown(&state) ? CROSS_FAILED : CROSS_PASSED;
}

static inline int cross_group(const struct CMUnitTest *tests, size_t n)
{
    static const char *const words[] = { "       OK", "  FAILED ", "  SKIPPED" };
    const char *part = getenv("CROSS_TESTS");
    int count[3] = { 0 };
    for (size_t i = 0; i < n; i++) {
        if (part && !strstr(tests[i].name, part))
            continue;
        enum cross_end end = cross_run(&tests[i]);
        count[end]++;
        printf("[%s ] %s\n", words[end], tests[i].name);
        fflush(stdout);
    }
    printf("[  PASSED  ] %d test(s).\n[  FAILED  ] %d test(s)\n", count[CROSS_PASSED], count[CROSS_FAILED]);
    return count[CROSS_FAILED];
}

#define cmocka_run_group_tests(tests, up, down) cross_group(tests, sizeof(tests) / sizeof *(tests))

#endif
