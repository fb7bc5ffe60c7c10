/* SPDX-License-Identifier: MIT */
/* Each kind of bad input gets one sentence that names the thing, a non-zero status, and no
 * half-written result. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "tests/board/harness.h"

#define INPUT "/usr/share/common-licenses/GPL-3"

/* Boots the demo with an INPUT that can't be; nothing may have been started. */
static void expect_refused(const char *input, const char *sentence, const char *name)
{
    struct board_run run =
        board_boot("demo", "", &(struct board_options){.input = input, .name = name});

    cr_assert_eq(run.status, 2, "status %d\n%s", run.status, run.terminal);
    assert_contains(run.terminal, sentence);
    assert_contains(run.terminal, input);
    cr_assert_null(strchr(run.terminal, '\n')[1] ? run.terminal : NULL, "more than one line:\n%s",
                   run.terminal);
}

Test(bad_input, file_is_missing)
{
    expect_refused("build/tests/no-such-file", "does not exist", "missing");
}

Test(bad_input, file_is_a_directory)
{
    expect_refused("/usr/share", "is not a regular file", "directory");
}

Test(bad_input, file_is_larger_than_the_board)
{
    char *output;

    if (strcmp(board_name(), "linux") == 0)
        cr_skip_test("a process maps a file of any size");
    cr_assert_eq(host_run(&output, "mkdir -p build/tests && truncate -s 200M build/tests/large"),
                 0);
    expect_refused("build/tests/large", "takes at most", "large");
}

Test(bad_input, file_cannot_be_read)
{
    char *output;

    if (host_run(&output, "test \"$(id -u)\" = 0") == 0)
        cr_skip_test("root can read everything");
    cr_assert_eq(host_run(&output, "mkdir -p build/tests && echo > build/tests/closed && chmod 0 "
                                   "build/tests/closed"),
                 0);
    expect_refused("build/tests/closed", "cannot be read", "closed");
}

/* `make` with a wrong setting: refused at once, by name. */
static void expect_make_error(const char *settings, const char *sentence)
{
    char *output;
    int status =
        host_run(&output, "env -u MAKEFLAGS -u BOARD -u ARCH -u SAN make help %s 2>&1", settings);

    cr_assert_neq(status, 0, "%s", output);
    assert_contains(output, sentence);
}

Test(bad_input, unknown_board_arch_and_core_count)
{
    expect_make_error("BOARD=toaster", "there is no board \"toaster\"; the boards are:");
    expect_make_error("BOARD=malta ARCH=vax",
                      "board \"malta\" has no architecture \"vax\"; it has: mips");
    expect_make_error("BOARD=malta CORES=0", "CORES=0 is not possible here");
    expect_make_error("BOARD=malta CORES=many", "CORES=many is not possible here");
}

Test(bad_input, unknown_option_and_one_without_a_value)
{
    expect_make_error("CONFIG='DEBUG=1 TICKHZ=100'", "CONFIG=\"TICKHZ=100\": not an option");
    expect_make_error("CONFIG=DEBUG", "CONFIG=\"DEBUG\": not an option with its value");
    expect_make_error("CONFIG='DEBUG=1 TICK_HZ='", "CONFIG=\"TICK_HZ=\": not an option with its");
}

Test(bad_input, option_out_of_its_range)
{
    static const struct {
        const char *header, *option, *sentence;
    } cases[] = {
        {"weft/config.h", "TICK_HZ=abc", "must be 10 to 20000"},
        {"weft/config.h", "SYSTEM_STACK_BYTES=4097", "must be a multiple of 16, at least 4096"},
        {"arch/amd64/hosted/hosted.h", "SYSTEM_STACK_BYTES=8192", "must be at least 16384"},
        {"weft/config.h", "IDLE_STACK_BYTES=1025", "must be a multiple of 16, at least 512"},
        {"weft/config.h", "STACK_BYTES=0", "must be at least 1024"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *output;
        int status = host_run(&output,
                              "echo '#include <%s>' | gcc -E -I. -Iinclude "
                              "-DWEFT_CONFIG_%s - 2>&1 >/dev/null",
                              cases[i].header, cases[i].option);

        cr_assert_neq(status, 0, "%s", cases[i].option);
        assert_contains(output, cases[i].sentence);
    }
}

Test(bad_input, goal_that_the_board_has_nothing_for)
{
    static const char *const goals[] = {"run", "image", "test ONLY=none", "bench", "size"};

    for (size_t i = 0; i < sizeof goals / sizeof goals[0]; i++) {
        char settings[60];

        snprintf(settings, sizeof settings, "%s BOARD=firmware", goals[i]);
        expect_make_error(settings, "board \"firmware\" is for other people's firmware");
    }
    expect_make_error("image BOARD=linux", "board \"linux\" has nothing to boot from");
    expect_make_error("size BOARD=linux", "BOARD=linux is a process");
}

Test(bad_input, boot_media_of_what_does_not_boot)
{
    static const char *const scripts[] = {"boards/pc/disk.sh", "boards/pc/iso.sh"};

    for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
        char *output;

        cr_assert_neq(host_run(&output, "%s README.md build/tests/none.img 2>&1", scripts[i]), 0);
        assert_contains(output, "README.md is not an ELF file");
        cr_assert_neq(
            host_run(&output, "INPUT=/usr %s /bin/ls build/tests/none.img 2>&1", scripts[i]), 0);
        assert_contains(output, "INPUT /usr is not a file that can be read");
    }
}

Test(bad_input, missing_package_without_root_prints_the_line_to_run)
{
    char *output;
    int status = host_run(
        &output, "mkdir -p build/tests/fake && cd build/tests/fake && "
                 "printf '#!/bin/sh\\nexit 1\\n' > sudo && "
                 "printf '#!/bin/sh\\necho 1000\\n' > id && chmod +x sudo id && "
                 "PATH=$PWD:$PATH ../../../tools/build/packages.sh gcc no-such-package 2>&1");

    cr_assert_eq(status, 1);
    assert_contains(output, "sudo apt-get install -y --no-install-recommends no-such-package\n");
}

/* A run whose serial log the next tests damage. */
static struct board_run good_run(const char *name)
{
    bool is_fast = strcmp(board_name(), "linux") == 0; /* so many ticks need more passes */
    struct board_run run = board_boot("demo", is_fast ? "passes=20 rate=5000" : "passes=4",
                                      &(struct board_options){.input = INPUT, .name = name});

    cr_assert_eq(run.status, 0, "%s", run.terminal);
    return run;
}

/* Reports on `log` into an empty folder; the profile must be refused and nothing of it left there.
 */
static void expect_log_refused(const char *elf, const char *log, const char *sentence)
{
    char *output, *files;
    int status;

    status = host_run(&output,
                      "rm -rf %s.out; mkdir %s.out; build/bin/weft report --elf %s --out "
                      "%s.out %s 2>&1 >/dev/null",
                      log, log, elf, log, log);
    cr_assert_neq(status, 0);
    assert_contains(output, sentence);
    host_run(&files, "ls -A %s.out", log);
    cr_assert(strcmp(files, "") == 0 || strcmp(files, "console.log\n") == 0, "left behind: %s",
              files);
}

Test(bad_input, serial_log_cut_in_the_middle)
{
    struct board_run run = good_run("cut");
    char elf[256], log[300], *output;

    board_image_path(elf, sizeof elf, "demo", NULL);
    snprintf(log, sizeof log, "%s/cut.raw", run.folder);
    cr_assert_eq(host_run(&output,
                          "head -c $(($(stat -c %%s %s/serial.raw) - 1500)) %s/serial.raw > %s",
                          run.folder, run.folder, log),
                 0);
    expect_log_refused(elf, log, "cut.raw");
}

Test(bad_input, serial_log_with_flipped_bytes)
{
    struct board_run run = good_run("flipped");
    char elf[256], log[300], *output;

    board_image_path(elf, sizeof elf, "demo", NULL);
    snprintf(log, sizeof log, "%s/flipped.raw", run.folder);
    cr_assert_eq(
        host_run(
            &output,
            "cp %s/serial.raw %s && size=$(stat -c %%s %s) && " /* text is hit too, and frames */
            "for at in $(seq 300 $((size / 100)) $((size / 2))); do "
            "printf '\\125\\125\\125' | dd of=%s bs=1 seek=$((size - at)) conv=notrunc "
            "status=none; done",
            run.folder, log, log, log),
        0);
    expect_log_refused(elf, log, "flipped.raw");
}

Test(bad_input, elf_is_not_the_one_that_ran)
{
    struct board_run run = good_run("other");
    char elf[256], log[300];

    board_image_path(elf, sizeof elf, "exit-status", NULL);
    snprintf(log, sizeof log, "%s/serial.raw", run.folder);
    expect_log_refused(elf, log, "build id");
}

/* Every core finds itself through KScratch1, and its thread through KScratch2, which this CPU has
 * not. */
Test(bad_input, image_for_two_cores_on_a_cpu_that_can_have_one)
{
    struct board_run run;

    if (strcmp(board_name(), "malta") != 0)
        cr_skip_test("Malta's CPUs differ in this");
    run = board_boot("stop-the-world", "",
                     &(struct board_options){
                         .config = "CORES=2", .extra = "-cpu 24Kf -smp 1", .name = "one-core-cpu"});
    cr_assert_eq(run.status, 78, "status %d\n%s", run.status, run.terminal);
    assert_contains(run.console, "this CPU has no registers KScratch1 and 2");
}
