/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Finished pictures that are given their names: files, and DeepZoom's file and folder, over others or not; what they
 * replace is gone, and a failure leaves all as it was.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "fovea-io/io.h"

static fovea_io *io;
static char before[200];

/* Each test runs in an empty folder of its own. */
static int setup(void **state)
{
    char folder[] = "fovea-test-outputs-XXXXXX";
    *state = NULL;
    if (!getcwd(before, sizeof before) || !mkdtemp(folder) || chdir(folder) || !(*state = strdup(folder)))
        return -1;
    return fovea_io_create(&io, NULL);
}

static int teardown(void **state)
{
    fovea_io_free(&io);
    int failed = chdir(before) || rmdir(*state);
    free(*state);
    return failed;
}

static void put(const char *name, const char *text)
{
    FILE *file = fopen(name, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void assert_text(const char *name, const char *text)
{
    char found[32] = "";
    FILE *file = fopen(name, "r");
    if (!file)
        fail_msg("%s is missing", name);
    fgets(found, sizeof found, file);
    fclose(file);
    assert_string_equal(found, text);
}

static int exists(const char *name)
{
    struct stat st;
    return lstat(name, &st) == 0;
}

/* A picture of tiles whose levels are 0..n_levels-1; each file says whose it is. */
static void put_pyramid(const char *stem, int n_levels)
{
    char name[64];
    snprintf(name, sizeof name, "%s.dzi", stem);
    put(name, stem);
    snprintf(name, sizeof name, "%s_files", stem);
    assert_int_equal(mkdir(name, 0777), 0);
    for (int level = 0; level < n_levels; level++) {
        snprintf(name, sizeof name, "%s_files/%d", stem, level);
        assert_int_equal(mkdir(name, 0777), 0);
        snprintf(name, sizeof name, "%s_files/%d/0_0.png", stem, level);
        put(name, stem);
    }
}

/* The picture with this name is the one that was made for stem, with nothing of another. */
static void assert_pyramid(const char *name, const char *stem, int n_levels)
{
    char path[64];
    snprintf(path, sizeof path, "%s.dzi", name);
    assert_text(path, stem);
    for (int level = 0; level < n_levels; level++) {
        snprintf(path, sizeof path, "%s_files/%d/0_0.png", name, level);
        assert_text(path, stem);
    }
    snprintf(path, sizeof path, "%s_files/%d", name, n_levels);
    assert_false(exists(path));
}

static void assert_gone(const char *stem)
{
    char name[64];
    snprintf(name, sizeof name, "%s.dzi", stem);
    assert_false(exists(name));
    snprintf(name, sizeof name, "%s_files", stem);
    assert_false(exists(name));
}

static void files_replace_only_where_they_may(void **state)
{
    (void)state;
    put("a.png", "a");
    put("b.png", "b");
    assert_int_equal(fovea_io_output_move(io, "a.png", "b.png", 0), FOVEA_E_WRITE);
    assert_text("a.png", "a");
    assert_text("b.png", "b");
    assert_int_equal(fovea_io_output_move(io, "a.png", "b.png", 1), FOVEA_OK);
    assert_false(exists("a.png"));
    assert_text("b.png", "a");
    assert_int_equal(fovea_io_output_move(io, "b.png", "c.png", 0), FOVEA_OK);
    assert_false(exists("b.png"));
    assert_text("c.png", "a");
    assert_int_equal(fovea_io_output_move(io, "none.png", "c.png", 1), FOVEA_E_WRITE);
    assert_non_null(strstr(fovea_io_last_error(io), "c.png"));
    assert_text("c.png", "a");
    fovea_io_output_remove("c.png");
}

static void tiles_move_as_one(void **state)
{
    (void)state;
    put_pyramid("a", 2);
    assert_int_equal(fovea_io_output_move(io, "a.dzi", "b.dzi", 0), FOVEA_OK);
    assert_gone("a");
    assert_pyramid("b", "a", 2);
    fovea_io_output_remove("b.dzi");
    assert_gone("b");
}

static void tiles_take_the_place_of_others(void **state)
{
    (void)state;
    put_pyramid("new", 2);
    put_pyramid("old", 4);
    put("old_files/3/1_0.png", "old"); /* and one that the new one lacks */
    assert_int_equal(fovea_io_output_move(io, "new.dzi", "old.dzi", 1), FOVEA_OK);
    assert_pyramid("old", "new", 2);
    assert_gone("new"); /* neither its own folder nor the one it was exchanged for */
    put_pyramid("new", 3);
    assert_int_equal(unlink("old.dzi"), 0); /* tiles without a .dzi are no picture */
    assert_int_equal(fovea_io_output_move(io, "new.dzi", "old.dzi", 0), FOVEA_OK);
    assert_pyramid("old", "new", 3);
    assert_gone("new");
    fovea_io_output_remove("old.dzi");
}

static void a_refusal_leaves_both(void **state)
{
    (void)state;
    put_pyramid("new", 2);
    put_pyramid("old", 3);
    assert_int_equal(fovea_io_output_move(io, "new.dzi", "old.dzi", 0), FOVEA_E_WRITE);
    assert_pyramid("new", "new", 2);
    assert_pyramid("old", "old", 3);
    put("old_files/holidays.txt", "mine");
    assert_int_equal(fovea_io_output_move(io, "new.dzi", "old.dzi", 1), FOVEA_E_WRITE);
    assert_non_null(strstr(fovea_io_last_error(io), "old_files"));
    assert_pyramid("new", "new", 2);
    assert_pyramid("old", "old", 3);
    assert_text("old_files/holidays.txt", "mine");
    assert_int_equal(unlink("old_files/holidays.txt"), 0);

    /* a file in place of the folder, and a picture of another kind, are not tiles either */
    put("flat_files", "mine");
    assert_int_equal(fovea_io_output_move(io, "new.dzi", "flat.dzi", 1), FOVEA_E_WRITE);
    assert_text("flat_files", "mine");
    assert_int_equal(fovea_io_output_move(io, "new.dzi", "flat.png", 1), FOVEA_E_WRITE);
    assert_pyramid("new", "new", 2);
    assert_int_equal(unlink("flat_files"), 0);
    fovea_io_output_remove("new.dzi");
    fovea_io_output_remove("old.dzi");
}

/* The tiles are in place when the .dzi cannot follow: they go back. */
static void a_failure_in_the_middle_leaves_both(void **state)
{
    (void)state;
    put_pyramid("new", 2);
    put_pyramid("old", 3);
    assert_int_equal(unlink("old.dzi"), 0);
    assert_int_equal(mkdir("old.dzi", 0777), 0); /* no file replaces a folder */
    assert_int_equal(fovea_io_output_move(io, "new.dzi", "old.dzi", 1), FOVEA_E_WRITE);
    assert_pyramid("new", "new", 2);
    assert_text("old_files/2/0_0.png", "old");
    assert_int_equal(rmdir("old.dzi"), 0);
    assert_int_equal(mkdir("other.dzi", 0777), 0);
    assert_int_equal(fovea_io_output_move(io, "new.dzi", "other.dzi", 1), FOVEA_E_WRITE);
    assert_pyramid("new", "new", 2);
    assert_false(exists("other_files"));
    assert_int_equal(rmdir("other.dzi"), 0);
    fovea_io_output_remove("new.dzi");
    fovea_io_output_remove("old.dzi");
}

static void removing_spares_what_is_not_ours(void **state)
{
    (void)state;
    put_pyramid("a", 2);
    put("a_files/mine.txt", "mine");
    fovea_io_output_remove("a.dzi");
    assert_false(exists("a.dzi"));
    assert_text("a_files/mine.txt", "mine");
    assert_text("a_files/1/0_0.png", "a");
    assert_int_equal(unlink("a_files/mine.txt"), 0);

    /* links are removed, not followed */
    put_pyramid("b", 1);
    assert_int_equal(symlink("../a_files", "b_files/1"), 0);
    fovea_io_output_remove("b.dzi");
    assert_gone("b");
    assert_text("a_files/1/0_0.png", "a");
    fovea_io_output_remove("a.dzi");
    assert_gone("a");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(files_replace_only_where_they_may, setup, teardown),
        cmocka_unit_test_setup_teardown(tiles_move_as_one, setup, teardown),
        cmocka_unit_test_setup_teardown(tiles_take_the_place_of_others, setup, teardown),
        cmocka_unit_test_setup_teardown(a_refusal_leaves_both, setup, teardown),
        cmocka_unit_test_setup_teardown(a_failure_in_the_middle_leaves_both, setup, teardown),
        cmocka_unit_test_setup_teardown(removing_spares_what_is_not_ours, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
