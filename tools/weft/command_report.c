/* SPDX-License-Identifier: MIT */
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tools/weft/commands.h"
#include "tools/weft/message.h"
#include "tools/weft/progress.h"
#include "tools/weft/ram_image.h"
#include "tools/weft/results.h"

struct report_options {
    const char *elf, *out, *serial;
    bool is_json, is_partial, is_memory;
};

static const struct argp_option options[] = {
    {"elf", 'e', "IMAGE", 0, "The ELF file that ran (required)", 0},
    {"out", 'o', "DIR", 0, "Where the results go (required)", 0},
    {"partial", 'p', NULL, 0, "Of a damaged log, write what is left (the exit code stays 65)", 0},
    {"memory", 'm', NULL, 0, "SERIAL is an image of the target's memory, not of its serial line",
     0},
    {"json", 'j', NULL, 0, "Print the totals and all functions as one JSON object", 0},
    {0},
};

static const char about[] =
    "Makes a profile from a stored serial log (\"-\": stdin), or out of an image of memory."
    "\v"
    "Writes console.log, cpu.pb.gz, flame.svg, folded.txt and summary.txt "
    "to DIR, all of them or none. "
    "A log that is damaged, incomplete or of another image leaves only "
    "console.log there and exits with "
    "65.";

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    struct report_options *chosen = state->input;

    if (key == 'e')
        chosen->elf = argument;
    else if (key == 'o')
        chosen->out = argument;
    else if (key == 'p')
        chosen->is_partial = true;
    else if (key == 'm')
        chosen->is_memory = true;
    else if (key == 'j')
        chosen->is_json = true;
    else if (key == ARGP_KEY_ARG && state->arg_num == 0)
        chosen->serial = argument;
    else if (key == ARGP_KEY_ARG)
        argp_error(state, "%s: one log at a time", argument);
    else if (key == ARGP_KEY_END && (!chosen->elf || !chosen->out || !chosen->serial))
        argp_error(state, "%s is missing",
                   !chosen->elf   ? "--elf"
                   : !chosen->out ? "--out"
                                  : "SERIAL");
    else
        return ARGP_ERR_UNKNOWN;
    return 0;
}

static void report_console(void *context, const char *text, size_t length)
{
    fwrite(text, 1, length, context); /* out_dir_publish() checks */
}

/* Feeds all of `fd`; false with errno set when reading fails. */
static bool report_read(struct capture *capture, int fd, const char *name)
{
    static uint8_t chunk[65536];
    ssize_t got;

    while ((got = read(fd, chunk, sizeof chunk)) > 0) {
        capture_feed(capture, chunk, (size_t)got);
        progress_read(name, capture->demux.offset);
    }
    progress_end();
    if (got == 0)
        capture_finish(capture);
    return got == 0;
}

/* The same with an image of memory; a pipe is read to its end first. */
static bool report_read_memory(struct capture *capture, int fd)
{
    uint8_t *bytes = NULL;
    size_t size = 0, capacity = 0;
    ssize_t got;

    do {
        bytes = array_reserve(bytes, &capacity, size + 65536, 1);
        got = read(fd, bytes + size, capacity - size);
        size += got > 0 ? (size_t)got : 0;
    } while (got > 0);
    if (got == 0) {
        ram_image_read(&capture->reader, bytes, size);
        capture_finish(capture);
    }
    free(bytes);
    return got == 0;
}

/* When the log was written; for a pipe, now. */
static int64_t report_time_ns(int fd)
{
    struct timespec when;
    struct stat status;

    clock_gettime(CLOCK_REALTIME, &when);
    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode))
        when = status.st_mtim;
    return (int64_t)when.tv_sec * 1000000000 + when.tv_nsec;
}

static int report_finish(const struct report_options *chosen, struct capture *capture,
                         struct symbols *symbols, struct out_dir *out, int64_t time_ns)
{
    struct results_request request = {.capture = capture,
                                      .symbols = symbols,
                                      .source = chosen->serial,
                                      .time_ns = time_ns,
                                      .is_partial = chosen->is_partial,
                                      .is_json = chosen->is_json};

    return results_publish(&request, out);
}

static int report_fail(const char *sentence, int status)
{
    message_error("%s", sentence);
    return status;
}

static int report_open(const struct report_options *chosen, int fd, struct symbols *symbols)
{
    static const char *const names[] = {"console.log", RESULTS_FILES, NULL};
    struct buffer error = {0};
    struct capture *capture;
    struct out_dir out;
    FILE *console;
    int status;

    if (!out_dir_open(&out, chosen->out, names, &error) ||
        (console = out_dir_create(&out, "console.log", &error)) == NULL)
        return report_fail(buffer_text(&error), EXIT_IO);
    capture = capture_open(symbols, report_console, console);
    if (chosen->is_memory ? report_read_memory(capture, fd)
                          : report_read(capture, fd, chosen->serial)) {
        status = report_finish(chosen, capture, symbols, &out, report_time_ns(fd));
    } else {
        out_dir_discard(&out);
        message_error("%s: %s", chosen->serial, strerror(errno));
        status = EXIT_NO_INPUT;
    }
    capture_close(capture);
    return status;
}

int command_report(int argc, char **argv)
{
    static const struct argp parser = {
        .options = options, .parser = parse_option, .args_doc = "SERIAL", .doc = about};
    struct report_options chosen = {0};
    struct buffer error = {0};
    struct symbols *symbols;
    int fd = STDIN_FILENO, status;

    argp_parse(&parser, argc, argv, 0, NULL, &chosen);
    if (strcmp(chosen.serial, "-") != 0)
        fd = open(chosen.serial, O_RDONLY | O_CLOEXEC);
    else
        chosen.serial = "standard input";
    if (fd < 0) {
        message_error("%s: %s", chosen.serial, strerror(errno));
        return EXIT_NO_INPUT;
    }
    symbols = symbols_open(chosen.elf, &error);
    if (symbols == NULL)
        return report_fail(buffer_text(&error), EXIT_NO_INPUT);
    status = report_open(&chosen, fd, symbols);
    symbols_close(symbols);
    return status;
}
