/* SPDX-License-Identifier: MIT */
/*
 * weft run: the options, and what happens when. While the command runs, its output goes through a
 * capture to stdout, DIR/console.log and the tail; raw, to DIR/serial.raw. At its end the profile
 * is written, if one came, and everything in DIR gets its name. At the limit the guest is asked for
 * its stacks first.
 */
#include <argp.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tools/weft/commands.h"
#include "tools/weft/guest.h"
#include "tools/weft/message.h"
#include "tools/weft/results.h"
#include "tools/weft/supervisor.h"
#include "tools/weft/tail.h"

#define TAIL_LINES_DEFAULT 30
#define LIMIT_MAX_S 1e9

struct run_options {
    const char *elf, *out;
    char **command;
    double limit_s; /* 0: none */
    unsigned tail_lines;
    struct guest guest;
    bool is_json;
};

struct run {
    const struct run_options *chosen;
    struct symbols *symbols;
    struct capture *capture;
    FILE *serial, *console;
    int shown_fd; /* where the console is shown: stdout, or stderr with --json; -1: gone */
    struct buffer tail;
    size_t tail_at_limit; /* the tail's length when the limit passed */
};

static const struct argp_option options[] = {
    {"elf", 'e', "IMAGE", 0, "The ELF file that runs (required)", 0},
    {"out", 'o', "DIR", 0, "Where the results go (required)", 0},
    {"limit", 'l', "SECONDS", 0, "Stop the command after this time (default: never)", 0},
    {"break", 'b', "HOW", 0,
     "How to ask a hanging image for its stacks: qmp:SOCKET (a break on QEMU's chardev "
     "\"console\") or "
     "signal (SIGQUIT)",
     0},
    {"tail", 't', "LINES", 0, "At the limit, repeat so many lines of the console (default: 30)", 0},
    {"json", 'j', NULL, 0,
     "Print the totals and all functions as one JSON object; the console goes to stderr", 0},
    {0},
};

static const char about[] =
    "Runs COMMAND, whose output is an image's serial line: shows the console, symbolised, and "
    "collects "
    "the profile."
    "\v"
    "Writes serial.raw and console.log to DIR and, when the image sent a sample log, cpu.pb.gz, "
    "flame.svg, folded.txt and summary.txt. The exit code is the command's (128 + N for signal N); "
    "65 when "
    "that is 0 but the sample log is not whole; 124 at the limit.";

static double parse_number(struct argp_state *state, const char *name, const char *text,
                           double maximum)
{
    char *end;
    double number = strtod(text, &end);

    if (end == text || *end != '\0' || !(number >= 0 && number <= maximum))
        argp_error(state, "%s: %s is not a number from 0 to %.0f", name, text, maximum);
    return number;
}

static void check_options(struct argp_state *state, const struct run_options *chosen)
{
    if (chosen->elf == NULL)
        argp_error(state, "--elf is missing");
    if (chosen->out == NULL)
        argp_error(state, "--out is missing");
    if (chosen->command == NULL)
        argp_error(state, "the command to run is missing");
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    struct run_options *chosen = state->input;

    switch (key) {
    case 'e':
        chosen->elf = argument;
        return 0;
    case 'o':
        chosen->out = argument;
        return 0;
    case 'l':
        chosen->limit_s = parse_number(state, "--limit", argument, LIMIT_MAX_S);
        return 0;
    case 't':
        chosen->tail_lines = (unsigned)parse_number(state, "--tail", argument, 1e6);
        return 0;
    case 'b':
        if (!guest_parse(&chosen->guest, argument))
            argp_error(state, "--break: %s is neither qmp:SOCKET nor signal", argument);
        return 0;
    case 'j':
        chosen->is_json = true;
        return 0;
    case ARGP_KEY_ARG: /* the command and all that follows */
        chosen->command = &state->argv[state->next - 1];
        state->next = state->argc;
        return 0;
    case ARGP_KEY_END:
        check_options(state, chosen);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* Shows text at once. A reader that went away does not stop the run. */
static void run_show(struct run *run, const char *text, size_t length)
{
    while (length > 0 && run->shown_fd >= 0) {
        ssize_t written = write(run->shown_fd, text, length);

        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0) {
            run->shown_fd = -1;
            return;
        }
        text += written;
        length -= (size_t)written;
    }
}

static void run_console(void *context, const char *text, size_t length)
{
    struct run *run = context;

    run_show(run, text, length);
    fwrite(text, 1, length, run->console);
    tail_add(&run->tail, text, length);
}

static void run_output(void *context, const uint8_t *bytes, size_t length)
{
    struct run *run = context;

    fwrite(bytes, 1, length, run->serial);
    capture_feed(run->capture, bytes, length);
}

static void run_quiet(void *context)
{
    capture_quiet(((struct run *)context)->capture);
}

static bool run_limit(void *context, pid_t child)
{
    struct run *run = context;
    struct buffer error = {0};
    bool is_asked;

    capture_quiet(run->capture);
    message_error("%s: stopped after the limit of %g s", run->chosen->command[0],
                  run->chosen->limit_s);
    run->tail_at_limit = run->tail.length;
    is_asked = guest_break(&run->chosen->guest, child, &error);
    if (!is_asked && error.length > 0)
        message_error("cannot ask for the stacks: %s", buffer_text(&error));
    buffer_free(&error);
    return is_asked;
}

static bool run_silent(void *context)
{
    return guest_insist(&((struct run *)context)->chosen->guest);
}

static void run_print(void *context, const char *text, size_t length)
{
    (void)context;
    fwrite(text, 1, length, stderr);
}

static void run_print_registers(struct run *run)
{
    struct buffer registers = {0}, error = {0};
    struct symbolizer symbolizer;

    if (!guest_registers(&run->chosen->guest, &registers, &error)) {
        message_error("no registers either: %s", buffer_text(&error));
    } else {
        message_error("the image did not answer; its registers:");
        symbolizer_init(&symbolizer, run->symbols, run_print, NULL);
        symbolizer_feed(&symbolizer, buffer_text(&registers), registers.length);
        symbolizer_flush(&symbolizer);
        symbolizer_free(&symbolizer);
    }
    buffer_free(&registers);
    buffer_free(&error);
}

static void run_settled(void *context, pid_t child)
{
    struct run *run = context;
    size_t start;

    (void)child;
    capture_quiet(run->capture);
    if (run->tail_at_limit > run->tail.length) /* so much came that the tail was cut since */
        run->tail_at_limit = run->tail.length;
    start = tail_start(&run->tail, run->tail_at_limit, run->chosen->tail_lines);
    message_error("the end of the console:");
    fwrite(buffer_text(&run->tail) + start, 1, run->tail.length - start, stderr);
    if (run->tail.length > 0 && run->tail.data[run->tail.length - 1] != '\n')
        fputc('\n', stderr);
    if (run->tail.length == run->tail_at_limit && run->chosen->guest.kind == GUEST_QEMU)
        run_print_registers(run);
}

static int run_status(const struct run *run, struct supervisor_result result)
{
    const char *command = run->chosen->command[0];

    switch (result.end) {
    case SUPERVISOR_EXITED:
        return result.status;
    case SUPERVISOR_SIGNALLED:
        message_error("%s: ended by signal %d (%s)", command, result.status,
                      strsignal(result.status));
        return 128 + result.status;
    case SUPERVISOR_STOPPED:
        message_error("stopped by signal %d (%s)", result.status, strsignal(result.status));
        return 128 + result.status;
    case SUPERVISOR_LIMIT:
        return EXIT_LIMIT;
    case SUPERVISOR_NOT_STARTED:
        break;
    }
    message_error("%s: %s", command, strerror(result.status));
    return result.status == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_RUN;
}

static int64_t run_now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Writes and publishes the results. Returns the exit code: `status`, or what outweighs a 0. */
static int run_finish(struct run *run, struct out_dir *out, int64_t time_ns, int status)
{
    struct results_request request = {.capture = run->capture,
                                      .symbols = run->symbols,
                                      .source = "serial.raw",
                                      .time_ns = time_ns,
                                      .is_json = run->chosen->is_json};
    struct buffer printed = {0}, error = {0}, source = {0};

    buffer_printf(&source, "%s/serial.raw", out->path);
    request.source = buffer_text(&source);
    if (!results_write(&request, out, &printed, &error) || !out_dir_publish(out, &error)) {
        out_dir_discard(out);
        message_error("%s", buffer_text(&error));
        status = status != 0 ? status : EXIT_IO;
    } else {
        fwrite(buffer_text(&printed), 1, printed.length, stdout);
        fflush(stdout);
        if (results_verdict(run->capture) != RESULTS_NONE ||
            run->capture->sites.problems.length > 0)
            results_complain(&error, &request);
        if (error.length > 0) {
            message_error("%s", buffer_text(&error));
            status = status != 0 ? status : EXIT_DATA;
        }
    }
    buffer_free(&printed);
    buffer_free(&error);
    buffer_free(&source);
    return status;
}

static int run_command(struct run *run, struct out_dir *out)
{
    const struct supervisor_events events = {run_output, run_quiet,   run_limit,
                                             run_silent, run_settled, run};
    struct supervisor_result result;
    int64_t time_ns = run_now_ns(), limit_ms = (int64_t)(run->chosen->limit_s * 1000 + 0.5);
    int status;

    if (run->chosen->limit_s > 0 && limit_ms == 0)
        limit_ms = 1;
    run->capture = capture_open(run->symbols, run_console, run);
    result = supervisor_run(run->chosen->command, limit_ms, &events);
    capture_finish(run->capture);
    status = run_finish(run, out, time_ns, run_status(run, result));
    capture_close(run->capture);
    if (run->chosen->guest.kind == GUEST_QEMU)
        unlink(run->chosen->guest.socket); /* a killed QEMU leaves it */
    buffer_free(&run->tail);
    return status;
}

int command_run(int argc, char **argv)
{
    static const struct argp parser = {
        .options = options, .parser = parse_option, .args_doc = "-- COMMAND...", .doc = about};
    static const char *const names[] = {"serial.raw", "console.log", RESULTS_FILES, NULL};
    struct run_options chosen = {.tail_lines = TAIL_LINES_DEFAULT};
    struct run run = {.chosen = &chosen};
    struct buffer error = {0};
    struct out_dir out;
    int status = EXIT_IO;

    argp_parse(&parser, argc, argv, ARGP_IN_ORDER, NULL, &chosen);
    run.shown_fd = chosen.is_json ? STDERR_FILENO : STDOUT_FILENO;
    run.symbols = symbols_open(chosen.elf, &error);
    if (run.symbols == NULL) {
        message_error("%s", buffer_text(&error));
        buffer_free(&error);
        return EXIT_NO_INPUT;
    }
    if (out_dir_open(&out, chosen.out, names, &error) &&
        (run.serial = out_dir_create(&out, "serial.raw", &error)) != NULL &&
        (run.console = out_dir_create(&out, "console.log", &error)) != NULL) {
        status = run_command(&run, &out);
    } else {
        out_dir_discard(&out);
        message_error("%s", buffer_text(&error));
    }
    symbols_close(run.symbols);
    buffer_free(&error);
    return status;
}
