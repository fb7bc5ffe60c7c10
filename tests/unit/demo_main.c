/* SPDX-License-Identifier: MIT */
/*
 * The demo's main on the host: what it prints for scripts is compared with sha256sum and wc, and
 * its options and exit statuses are tried. Threads come from shim_weft_pthread.c; the rest of weft
 * that main uses is played by the functions below, which note in the output that they were called.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

int demo_main(int argc, char **argv);
#define main demo_main
#include "../../examples/demo/main.c"
#undef main

static const void *test_input;
static size_t test_input_bytes;
static int test_profile_error;

const void *weft_input(size_t *bytes)
{
    *bytes = test_input_bytes;
    return test_input;
}

int weft_profile_start(uint32_t rate_hz)
{
    printf("[start %lu]\n", (unsigned long)rate_hz);
    return test_profile_error;
}

int weft_profile_stop(void)
{
    printf("[stop]\n");
    return 0;
}

int weft_profile_send(void)
{
    printf("[send]\n");
    return 0;
}

void weft_heap_trace(void)
{
    printf("[trace]\n");
}

void weft_threads_dump(void)
{
    printf("[dump]\n");
}

const char *weft_error_name(int error)
{
    return error == WEFT_EBUSY ? "the object is in use" : "another error";
}

/* ---- running it ---- */

static char output[20000];

static void output_read(FILE *from)
{
    size_t bytes = fread(output, 1, sizeof output - 1, from);
    output[bytes] = '\0';
    fclose(from);
}

/* Runs main in a child, because main may be run once only; returns its status, its output is in
 * output[]. `option` may be NULL. */
static int run(const char *option)
{
    FILE *file = tmpfile();
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        dup2(fileno(file), STDOUT_FILENO);
        dup2(fileno(file), STDERR_FILENO);
        char *argv[] = {(char *)"demo", (char *)(uintptr_t)option, NULL};
        int status = demo_main(option == NULL ? 1 : 2, argv);
        fflush(NULL);
        _exit(status);
    }
    int status;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFEXITED(status), "%s", output);
    rewind(file);
    output_read(file);
    return WEXITSTATUS(status);
}

static void input_set(const void *bytes, size_t count)
{
    test_input = bytes;
    test_input_bytes = count;
}

static void expect_line(const char *line)
{
    char with_ends[300];
    snprintf(with_ends, sizeof with_ends, "\n%s\n", line);
    cr_expect(strstr(output, with_ends) != NULL, "no line \"%s\" in:\n%s", line, output);
}

/* ---- tests ---- */

static void host_line(const char *path, const char *filter, char *line, size_t size)
{
    char command[300];
    snprintf(command, sizeof command, "%s < %s | %s",
             strstr(filter, "sha256=") ? "sha256sum" : "LC_ALL=C wc", path, filter);
    FILE *in = popen(command, "r");
    cr_assert_not_null(fgets(line, (int)size, in));
    line[strcspn(line, "\n")] = '\0';
    pclose(in);
}

Test(demo_main, its_results_are_those_of_sha256sum_and_wc)
{
    static unsigned char text[50001];
    char path[] = "/tmp/weft-demo-main-XXXXXX", line[200];
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (unsigned char)("a word \n\x80\0\t."[(i * i / 7 + i / 4099) % 11]);
    FILE *file = fdopen(mkstemp(path), "wb");
    cr_assert_eq(fwrite(text, 1, sizeof text, file), sizeof text);
    fclose(file);
    input_set(text, sizeof text);
    cr_assert_eq(run("passes=9"), 0);

    host_line(path, "sed 's/ .*//; s/^/demo: sha256=/'", line, sizeof line);
    expect_line(line);
    host_line(path, "awk '{print \"demo: lines=\" $1 \" words=\" $2 \" bytes=\" $3}'", line,
              sizeof line);
    expect_line(line);
    expect_line("demo: round trip ok");
    remove(path);
}

Test(demo_main, an_empty_input_is_an_input)
{
    input_set("", 0);
    cr_assert_eq(run(NULL), 0);
    expect_line("demo: sha256=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    expect_line("demo: lines=0 words=0 bytes=0");
    expect_line("demo: compressed=0 effort=1");
    expect_line("demo: round trip ok");
}

Test(demo_main, the_report_follows_the_results_with_the_profiler_stopped)
{
    input_set("some text\n", 10);
    cr_assert_eq(run("rate=250"), 0);
    const char *const order[] = {
        "[start 250]",       "[stop]",
        "demo: sha256=",     "demo: lines=1 ",
        "demo: compressed=", "demo: round trip ok\n[trace]\n[dump]\n[send]\n"};
    const char *at = output;
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        at = strstr(at, order[i]);
        cr_assert_not_null(at, "%s is missing or out of order in:\n%s", order[i], output);
    }
}

Test(demo_main, without_a_file_it_says_so_and_takes_the_built_in_text)
{
    char line[100];

    input_set(NULL, 0);
    cr_expect_eq(run(NULL), 0);
    cr_expect_eq(strstr(output, "demo: no file was handed over"), output, "%s", output);
    snprintf(line, sizeof line, "weft demo: %zu bytes of input", demo_text_bytes);
    cr_expect_not_null(strstr(output, line), "%s", output);
    cr_expect_gt(demo_text_bytes, 3 * 4096, "too short for every worker to get a block");
}

Test(demo_main, bad_options_are_one_sentence_and_status_2)
{
    static const char *const bad[] = {
        "fast",   "passes=",    "passes=0",   "passes=-1", "passes=2x",
        "rate=9", "rate=20001", "status=256", "status= 1", "passes=99999999999999999999"};
    input_set("text", 4);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        cr_expect_eq(run(bad[i]), 2, "%s", bad[i]);
        cr_expect(strstr(output, bad[i]) != NULL, "%s", output);
        cr_expect_eq(strchr(output, '\n'), output + strlen(output) - 1, "%s", output);
    }
}

Test(demo_main, the_status_asked_for_is_the_exit_status)
{
    input_set("text", 4);
    cr_expect_eq(run("status=37"), 37);
}

Test(demo_main, a_profiler_that_does_not_start_is_a_failure)
{
    input_set("text", 4);
    test_profile_error = WEFT_EBUSY;
    cr_expect_eq(run(NULL), 1);
    expect_line("demo: the profiler did not start: the object is in use");
    cr_expect(strstr(output, "round trip ok") == NULL);
}
