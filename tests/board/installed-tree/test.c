/* SPDX-License-Identifier: MIT */
/*
 * `make install`, seen by somebody who has nothing but the result: the installed tree is copied to
 * a place of its own, the examples are taken out of it, built with make and with CMake, and booted.
 * Then the mistakes that can be made with it.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/board/harness.h"

static char folder[200]; /* of this test; absolute */

static bool is_malta(void)
{
    return strcmp(board_name(), "malta") == 0;
}

/* The system's C library in place of newlib. */
static bool is_linux(void)
{
    return strcmp(board_name(), "linux") == 0;
}

static const char *target(void)
{
    static char name[64];

    snprintf(name, sizeof name, "%s-%s", board_name(), board_arch());
    return name;
}

static const char *firmware_target(void)
{
    static char name[64];

    snprintf(name, sizeof name, "firmware-%s", board_arch());
    return name;
}

/* Firmware with its own startup code, vectors and linker script. */
static const char *own_firmware(void)
{
    if (is_linux())
        cr_skip_test("a process is nobody's firmware");
    return is_malta() ? "own-firmware" : "own-firmware-amd64";
}

/* A fresh folder with the tree, and the examples beside it. */
static void prepare(const char *name)
{
    char *output;

    if (board_sanitizer()[0] != '\0') /* what lies there is an earlier run's */
        cr_skip_test("nothing is installed with a sanitizer");
    if (host_run(&output, "test -d build/tests/root/%s", target()) != 0)
        cr_skip_test("nothing is installed for this board");
    cr_assert_eq(host_run(&output,
                          "d=$PWD/build/tests/installed/%s-%s && rm -rf $d && mkdir -p $d && cp -r "
                          "build/tests/root/%s/opt/weft $d/weft && cp -r "
                          "$d/weft/share/weft/examples $d/examples && printf %%s $d",
                          target(), name, target()),
                 0, "%s", output);
    snprintf(folder, sizeof folder, "%s", output);
}

/* A command in the example's folder, which knows nothing of this source tree. */
static int in_example(char **output, const char *example, const char *command)
{
    return host_run(output,
                    "cd %s/examples/%s && env -i PATH=$PATH PKG_CONFIG_PATH=%s/weft/lib/pkgconfig "
                    "sh -c '%s' 2>&1",
                    folder, example, folder, command);
}

static void build_with_make(const char *example, const char *for_target)
{
    char command[100], *output;

    snprintf(command, sizeof command, "make TARGET=%s", for_target);
    cr_assert_eq(in_example(&output, example, command), 0, "%s", output);
    cr_assert_null(strstr(output, "warning"), "%s", output);
}

static void build_with_cmake(const char *example, const char *for_target)
{
    char command[500], *output;

    snprintf(command, sizeof command,
             "cmake -B cmake -DCMAKE_TOOLCHAIN_FILE=%s/weft/lib/cmake/weft/weft-%s.cmake && "
             "cmake --build cmake && cp cmake/%s.elf .",
             folder, for_target, example);
    cr_assert_eq(in_example(&output, example, command), 0, "%s", output);
    cr_assert_null(strstr(output, "warning"), "%s", output);
}

/* Boots the example by the installed tool; its status, and what it printed. */
static int boot(char **output, const char *example)
{
    const char *arch = board_arch();
    char command[600];

    if (is_malta())
        snprintf(command, sizeof command,
                 "qemu-system-%s -M malta -cpu 24Kf -m 128 -display none -serial stdio -monitor "
                 "none -no-reboot -semihosting-config enable=on,target=native -kernel %s.elf "
                 "-append exit=semihosting",
                 arch, example);
    else if (is_linux())
        snprintf(command, sizeof command, "./%s.elf", example);
    else
        snprintf(command, sizeof command,
                 "qemu-system-x86_64 -cpu max -m 128 -display none -vga none -nic none -serial "
                 "stdio -monitor none -no-reboot -kernel %s.elf",
                 example);
    return host_run(
        output,
        "cd %s/examples/%s && ../../weft/bin/weft run --elf %s.elf --out out --limit 60 "
        "-- %s 2>&1 </dev/null",
        folder, example, example, command);
}

static void boots(const char *example, const char *line)
{
    char *output;

    cr_assert_eq(boot(&output, example), 0, "%s", output);
    assert_contains(output, line);
}

Test(installed, examples_build_with_make_and_boot)
{
    prepare("make");
    build_with_make("blink", target());
    boots("blink", "....*.**\n");
    boots("blink", "blink: done");
    build_with_make("channels", target());
    boots("channels",
          "channels: 2 3 5 7 11 13 17 19 23 29 31 37 41 43 47 53 59 61 67 71\nchannels: "
          "done");
    build_with_make("profile", target());
    boots("profile", "numbers_sort");
    boots("profile", "profile: ticks=");
}

Test(installed, examples_build_with_cmake_and_boot)
{
    char *output;

    if (host_run(&output, "command -v cmake") != 0)
        cr_skip_test("cmake is not installed (EXTRAS=1 make test installs it)");
    prepare("cmake");
    build_with_cmake("blink", target());
    boots("blink", "...*....\nblink: done");
    if (!is_linux()) {
        build_with_cmake(own_firmware(), firmware_target());
        boots(own_firmware(), "own: the spinner was interrupted, own interrupts: 5");
    }
}

/* Static objects, new, virtual functions, guarded static variables, thread-local ones; no
 * exceptions. */
Test(installed, cplusplus_program_builds_and_boots)
{
    char command[200], *output;

    prepare("cplusplus");
    snprintf(command, sizeof command, "command -v $(pkg-config --variable=cxx weft-%s)", target());
    if (in_example(&output, "cplusplus", command) != 0)
        cr_skip_test("g++ for this target is not installed (EXTRAS=1 make test installs it)");
    build_with_make("cplusplus", target());
    boots("cplusplus", "cplusplus: sum is constructed\n");
    boots("cplusplus", "cplusplus: sum 319600, calls 800, ended 840, here 0\n"
                       "cplusplus: calls is destroyed at 800\n"
                       "cplusplus: ended is destroyed at 840\n"
                       "cplusplus: sum is destroyed at 319600\n");
    if (host_run(&output, "command -v cmake") != 0)
        return;
    build_with_cmake("cplusplus", target());
    boots("cplusplus", "cplusplus: sum 319600");
}

/* Own startup code, vectors and linker script; weft gets a timer and a region. */
Test(installed, firmware_of_its_own_runs_weft)
{
    const char *example = own_firmware();

    prepare("own");
    build_with_make(example, firmware_target());
    boots(example, "own: weft runs, main was told \"as it was\"");
    boots(example, "own: the spinner was interrupted, own interrupts: 5");
    boots(example, "own: status 00");
}

/* Names. What is global is on the list, and a program may use any other name. */
Test(installed, library_shows_the_listed_names_only)
{
    char *output;

    prepare("names");
    cr_assert_eq(
        host_run(
            &output,
            "nm -g --defined-only %s/weft/lib/weft/%s/libweft.a | awk 'NF == 3 { print $3 }' | "
            "grep -vxE \"$(grep '^[^#]' tools/install/globals | sed 's/\\*/.*/' | paste -sd'|')\"",
            folder, target()),
        1, "not on the list:\n%s", output);
    cr_assert_eq(host_run(&output,
                          "nm -g --defined-only %s/weft/lib/weft/%s/libweft.a | grep -c ' weft_'",
                          folder, target()),
                 0);
    cr_assert_gt(atoi(output), 30);
    /* Names that weft uses inside. */
    cr_assert_eq(
        in_example(&output, "blink",
                   "grep -q fail main.c || printf \"int cores, thread_current, board_init; "
                   "int heap_malloc_slow(void);\\n"
                   "int heap_malloc_slow(void) { return cores + thread_current + "
                   "board_init; }\\nvoid panic(void); void panic(void) { }\\n"
                   "int upcall_boot = 1;\\n\" >> main.c"),
        0, "%s", output);
    build_with_make("blink", target());
    boots("blink", "blink: done");
}

Test(installed, tree_does_not_know_where_it_was_made)
{
    char *output;

    prepare("paths");
    cr_assert_eq(host_run(&output,
                          "grep -rlF \"$PWD\" %s/weft/lib/pkgconfig %s/weft/lib/cmake "
                          "%s/weft/lib/weft %s/weft/share",
                          folder, folder, folder, folder),
                 1, "the source tree's path is in:\n%s", output);
}

/* ---- mistakes ------------------------------------------------------------------------------- */

static void refused(const char *example, const char *command, const char *sentence)
{
    char *output;

    cr_assert_neq(in_example(&output, example, command), 0, "%s", output);
    assert_contains(output, sentence);
}

Test(installed, wrong_settings_are_refused_by_the_compiler)
{
    char command[400];
    const char *compile = "$(pkg-config --variable=cc weft-%s) -c main.c $(pkg-config --cflags "
                          "weft-%s) %s";
    const struct {
        const char *flags, *sentence;
    } wrong[] = {
        {is_malta() ? "-msoft-float" : "-mno-sse",
         "weft and its C library are compiled for hardware floating point: do without"},
        {is_linux() ? "-mno-sse" : "-U__DYNAMIC_REENT__",
         is_linux() ? "hardware floating point"
                    : "which needs -D__DYNAMIC_REENT__: take the flags of pkg-config"},
        {"-DWEFT_CONFIG_CORES=3",
         "the installed library has WEFT_CONFIG_CORES 1: drop the setting"},
        {"-DWEFT_CONFIG_TICK_HZ=77", "the installed library has WEFT_CONFIG_TICK_HZ 1000"},
    };

    prepare("settings");
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        snprintf(command, sizeof command, compile, target(), target(), wrong[i].flags);
        refused("blink", command, wrong[i].sentence);
    }
    if (is_linux())
        return; /* the rest is about the installed C library and other CPUs */
    /* Another CPU's compiler. */
    snprintf(command, sizeof command,
             is_malta() ? "gcc -c main.c $(pkg-config --cflags-only-I weft-%s)"
                        : "gcc $(pkg-config --cflags weft-%s) -m32 -c main.c",
             target());
    refused("blink", command, "this is weft for");
    /* The C library's headers alone notice it, too. */
    snprintf(command, sizeof command, compile, target(), target(), wrong[0].flags);
    cr_assert_eq(
        host_run(&(char *){NULL}, "echo '#include <stdio.h>' > %s/examples/blink/main.c", folder),
        0);
    refused("blink", command, wrong[0].sentence);
}

/* CMake has to be told which target. */
Test(installed, cmake_without_a_target_is_told_what_to_do)
{
    char command[300], *output;

    if (host_run(&output, "command -v cmake") != 0)
        cr_skip_test("cmake is not installed (EXTRAS=1 make test installs it)");
    prepare("no-target");
    snprintf(command, sizeof command, "cmake -B cmake -Dweft_DIR=%s/weft/lib/cmake/weft", folder);
    refused("blink", command, "no target was chosen: run cmake with");
}

/* Its recipes would begin with "-std=...", whose dash tells make to ignore errors. */
Test(installed, make_without_the_target_is_told_so)
{
    static const char *const examples[] = {"blink",   "channels",     "cplusplus",
                                           "profile", "own-firmware", "own-firmware-amd64"};

    prepare("make-no-target");
    for (size_t i = 0; i < sizeof examples / sizeof examples[0]; i++)
        refused(examples[i], "make TARGET=none", "there is no weft-none where pkg-config looks");
}

/* Compiles other.c by another command and links it into the example. */
static void link_refused(const char *compile, const char *sentence)
{
    char command[600];

    snprintf(command, sizeof command,
             "make TARGET=%s && rm blink.elf && %s -c other.c -o other.o && "
             "$(pkg-config --variable=link weft-%s) $(pkg-config --variable=cc weft-%s) main.o "
             "other.o -o blink.elf $(pkg-config --libs weft-%s)",
             target(), compile, target(), target(), target());
    refused("blink", command, sentence);
    cr_assert_neq(host_run(&(char *){NULL}, "test -e %s/examples/blink/blink.elf", folder), 0,
                  "the image is there all the same");
}

Test(installed, objects_of_another_kind_are_refused_by_the_linker)
{
    bool is_little = strcmp(board_arch(), "mipsel") == 0;
    char *output;

    if (is_linux())
        cr_skip_test("the same linker as pc's");
    prepare("kinds");
    cr_assert_eq(host_run(&output,
                          "echo 'double half(double x); double half(double x) { return x / 2; }' > "
                          "%s/examples/blink/other.c",
                          folder),
                 0);
    if (is_malta()) {
        link_refused(is_little ? "mipsel-linux-gnu-gcc -EB" : "mips-linux-gnu-gcc -EL", "endian");
        link_refused(is_little ? "mipsel-linux-gnu-gcc -msoft-float -mno-abicalls -fno-pic"
                               : "mips-linux-gnu-gcc -msoft-float -mno-abicalls -fno-pic",
                     "-msoft-float");
    } else {
        link_refused("gcc -m32", "i386 architecture of input file");
    }
}

static void script_refused(const char *fragment, const char *sentence)
{
    const char *example = own_firmware();
    char command[100];

    prepare("script");
    cr_assert_eq(host_run(&(char *){NULL},
                          "sed -i '/INCLUDE weft-%s.ld/d' %s/examples/%s/firmware.ld", fragment,
                          folder, example),
                 0);
    snprintf(command, sizeof command, "make TARGET=%s", firmware_target());
    refused(example, command, sentence);
    cr_assert_neq(
        host_run(&(char *){NULL}, "test -e %s/examples/%s/%s.elf", folder, example, example), 0,
        "the image is there all the same");
}

Test(installed, script_without_the_fragments_is_refused_by_the_linker)
{
    script_refused("read-only", "the linker script must INCLUDE weft-read-only.ld");
    script_refused("text", "the linker script must INCLUDE weft-text.ld");
    script_refused("data", "the linker script must INCLUDE weft-data.ld");
    script_refused("bss", "weft_error__the_linker_script_must_include_weft_bss_ld");
}

/* The whole script forgotten: the flags of somebody who wrote them down by hand. */
Test(installed, link_without_the_script_is_refused_by_the_linker)
{
    char command[500];

    if (is_linux())
        cr_skip_test("a process is linked by the linker's own script as well");
    prepare("no-script");
    snprintf(
        command, sizeof command,
        "make TARGET=%s && rm blink.elf && $(pkg-config --variable=link weft-%s) "
        "$(pkg-config --variable=cc weft-%s) main.o -o blink.elf $(pkg-config --libs weft-%s | "
        "sed \"s/-T [^ ]*//\")",
        target(), target(), target(), target());
    refused("blink", command, "weft_error__the_linker_script_must_include_wefts_fragments");
}

Test(installed, cplusplus_with_exceptions_is_refused_by_the_compiler)
{
    char command[300], *output;

    if (is_linux())
        cr_skip_test("a process has them");
    prepare("exceptions");
    snprintf(command, sizeof command, "command -v $(pkg-config --variable=cxx weft-%s)", target());
    if (in_example(&output, "cplusplus", command) != 0)
        cr_skip_test("g++ for this target is not installed (EXTRAS=1 make test installs it)");
    snprintf(command, sizeof command,
             "$(pkg-config --variable=cxx weft-%s) -c main.cpp $(pkg-config --cflags weft-%s)",
             target(), target());
    refused("cplusplus", command, "compile with -fno-exceptions -fno-rtti");
}

/* Changes main.c by a sed command, builds it and boots it: status 78 and a sentence. */
static void boot_refused(const char *change, const char *sentence)
{
    const char *example = own_firmware();
    char *output;

    prepare("regions");
    cr_assert_eq(host_run(&output, "sed -i '%s' %s/examples/%s/main.c", change, folder, example),
                 0);
    build_with_make(example, firmware_target());
    boot(&output, example);
    assert_contains(output, sentence);
    assert_contains(output, "own: status 78");
}

Test(installed, regions_that_cannot_be_are_refused_at_boot, .timeout = 120)
{
    (void)own_firmware();
    boot_refused("s/.memory = __image_end/.memory = (void *)((unsigned long)__image_end - 4096)/",
                 "the memory region overlaps the image: let it start at __image_end");
    boot_refused("s/.memory_bytes = .*/.memory_bytes = 65535,/",
                 "the memory region is too small: it must have 65536 bytes at least");
    boot_refused("s/.memory = __image_end/.memory = __image_end + 4/",
                 "the memory region must start at a multiple of 16");
    boot_refused("s/.memory_bytes = .*/.memory_bytes = 0UL - 16,/", "wraps around");
    boot_refused("s/.clock_hz = \\(.*\\),/.clock_hz = 0 * \\1,/",
                 "clock_hz must be the cycle counter");
    if (is_malta()) {
        boot_refused("s/.vectors = own_vectors/.vectors = own_vectors + 256/",
                     "vectors must be a page");
        return;
    }
    boot_refused("s/.vectors = own_vectors/.vectors = (char *)own_vectors + 8/",
                 "vectors must be an interrupt table of 256 gates, aligned to 16");
    boot_refused("s/.selector = 0x08/.selector = 0x10/",
                 "a gate in vectors names another code segment than 0x08");
    boot_refused("s/define OWN_VECTOR 0x70/define OWN_VECTOR 0xe0/", "gate 0xe0 in vectors");
}
