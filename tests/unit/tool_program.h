/* SPDX-License-Identifier: MIT */
/*
 * For tests that need a whole ELF file or the whole tool: a scratch directory per test, a program
 * compiled into it, and commands run with their output caught.
 */
#ifndef TESTS_UNIT_TOOL_PROGRAM_H
#define TESTS_UNIT_TOOL_PROGRAM_H

#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/weft/buffer.h"

/* Line numbers in here are what the tests compare with. */
static const char program_text[] =
    "volatile int sink;\n" /* 1 */
    "static inline __attribute__((always_inline)) int innermost(int x)\n"
    "{\n"
    "    sink = x;\n" /* 4 */
    "    return sink * 3;\n"
    "}\n"
    "static inline __attribute__((always_inline)) int middle(int x)\n"
    "{\n"
    "    return innermost(x + 1) + 1;\n" /* 9 */
    "}\n"
    "__attribute__((noinline)) int outer(int x)\n"
    "{\n"
    "    return middle(x) + 2;\n" /* 13 */
    "}\n"
    "int unused_by_all(int x) { return x; }\n"
    "int no_debug(int);\n"
    "__asm__(\".text\\n.globl no_debug\\n.type no_debug,@function\\nno_debug:\\n\"\n"
    "        \".4byte 0, 0, 0, 0\\n.size no_debug, .-no_debug\\n\");\n"
    "void __start(void);\n" /* 19 */
    "void __start(void)\n"
    "{\n"
    "    for (;;)\n"
    "        sink += no_debug(outer(sink));\n" /* 23 */
    "}\n";

static char scratch[64];

/* The tool under test: `make` says where it is. */
static inline const char *weft_path(void)
{
    const char *path = getenv("WEFT");

    return path != NULL ? path : "build/bin/weft";
}

static inline void scratch_make(void)
{
    cr_assert_eq(access(weft_path(), X_OK), 0, "%s is missing: set WEFT", weft_path());
    strcpy(scratch, "/tmp/weft-test-XXXXXX");
    cr_assert_not_null(mkdtemp(scratch));
}

static inline void scratch_remove(void)
{
    char command[128];

    snprintf(command, sizeof command, "rm -rf '%s'", scratch);
    cr_expect_eq(system(command), 0);
}

static inline void put_file(const char *name, const void *bytes, size_t length)
{
    char path[128];
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", scratch, name);
    file = fopen(path, "w");
    cr_assert_not_null(file);
    cr_assert_eq(fwrite(bytes, 1, length, file), length);
    cr_assert_eq(fclose(file), 0);
}

/* The file's contents; false when there is no such file. */
static inline bool get_file(const char *name, struct buffer *contents)
{
    char path[128], chunk[4096];
    size_t got;
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", scratch, name);
    file = fopen(path, "r");
    if (file == NULL)
        return false;
    while ((got = fread(chunk, 1, sizeof chunk, file)) > 0)
        buffer_append(contents, chunk, got);
    fclose(file);
    return true;
}

static inline bool has_file(const char *name)
{
    struct buffer contents = {0};
    bool is_there = get_file(name, &contents);

    buffer_free(&contents);
    return is_there;
}

/* Runs a shell command in the scratch directory; its output goes to .out and .err there. */
static inline int shell(const char *format, ...) __attribute__((format(printf, 1, 2)));
static inline int shell(const char *format, ...)
{
    char command[2048], whole[4096];
    va_list arguments;
    int status;

    va_start(arguments, format);
    vsnprintf(command, sizeof command, format, arguments);
    va_end(arguments);
    snprintf(whole, sizeof whole,
             "PATH=$PATH:/usr/lib/go/bin; weft=$(realpath '%s'); cd '%s' && "
             "{ %s ; } >.out 2>.err </dev/null",
             weft_path(), scratch, command);
    status = system(whole);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* What the last shell() wrote; the caller frees it. */
static inline char *shell_out(void)
{
    struct buffer contents = {0};

    buffer_string(&contents, "");
    get_file(".out", &contents);
    return contents.data;
}

static inline char *shell_err(void)
{
    struct buffer contents = {0};

    buffer_string(&contents, "");
    get_file(".err", &contents);
    return contents.data;
}

#define AMD64 "gcc -no-pie"
#define MIPS "mips-linux-gnu-gcc -EB -march=mips32r2 -mno-abicalls -fno-pic -G0"
#define MIPSEL "mipsel-linux-gnu-gcc -EL -march=mips32r2 -mno-abicalls -fno-pic -G0"

/* Compiles program_text to scratch/image with a compiler and extra flags. */
static inline void compile_image(const char *compiler, const char *flags)
{
    put_file("program.c", program_text, strlen(program_text));
    cr_assert_eq(shell("%s -O2 -g %s -ffreestanding -fno-stack-protector -ffunction-sections "
                       "-nostdlib -static -Wl,--gc-sections,--build-id,-e,__start "
                       "-o image program.c",
                       compiler, flags),
                 0, "%s", shell_err());
}

#endif
