/* SPDX-License-Identifier: MIT */
/* Booting images from Criterion tests: which board and architecture comes from the environment. */
#ifndef TESTS_BOARD_HARNESS_H
#define TESTS_BOARD_HARNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct board_options {
    const char *input;  /* INPUT file; NULL: none */
    const char *icount; /* QEMU's -icount value; NULL: real time, as always on linux */
    const char *extra;  /* more emulator options */
    const char *config; /* of the library and image, as in CONFIG=...; NULL: the default one */
    const char *name;   /* of the folder for results, when one test boots several times */
    int limit_s;        /* until a hang is called one; 0: 60 */
};

struct board_run {
    int status;       /* of tools/build/run-image.sh: the firmware's, or 124 for a hang */
    char *console;    /* the symbolised console, console.log */
    char *terminal;   /* all that the host tool printed, its own messages included */
    char folder[256]; /* where the run's files are */
};

/* Boots tests/board/<image>/image.c's image (or "demo", or one of tests/bench) with `arguments` on
 * its command line. The result lives until the test's end. Fails the test when the run could not be
 * made at all. */
struct board_run board_boot(const char *image, const char *arguments,
                            const struct board_options *options);

/* Path of an image's ELF file, in the default configuration or (config not NULL) another one. */
void board_image_path(char *path, size_t bytes, const char *image, const char *config);

/* "mips", "mipsel", "amd64"; "malta", "pc", "linux". */
const char *board_arch(void);
const char *board_name(void);

/* What the images are built with: "address", "undefined", "thread", or "". */
const char *board_sanitizer(void);

/* Skips the test where the sanitizer has a malloc of its own: weft's is never asked then. */
void board_needs_weft_malloc(void);

/* Runs a shell command; returns its status, and its standard output (and error) in *output. */
int host_run(char **output, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The whole file as a string, "" when it can't be read. */
char *file_text(const char *path);

/* Before a run whose files will be in `folder`, which is emptied: as soon as the firmware has
 * printed `text`, a process sends `command` to the emulator's monitor; it gives up after 20 s.
 * board_command_sent waits for it and fails the test if it could not. */
pid_t board_command_when(const char *folder, const char *text, const char *command);
void board_command_sent(pid_t sender);

/* Asserts that `text` contains `part`, showing the text's end when it does not. */
void assert_contains(const char *text, const char *part);

#endif
