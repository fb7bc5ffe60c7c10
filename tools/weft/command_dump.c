/* SPDX-License-Identifier: MIT */
/*
 * weft dump: all threads' stacks of a running target, which is asked by a break (on the line, by
 * QEMU, or SIGQUIT), or by a request (prof/remote.c) where there is no break; or out of a log.
 */
#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/weft/capture.h"
#include "tools/weft/clock.h"
#include "tools/weft/commands.h"
#include "tools/weft/guest.h"
#include "tools/weft/message.h"
#include "tools/weft/progress.h"
#include "tools/weft/target.h"
#include "tools/weft/thread_text.h"

#define QUIET_MS 700 /* so long without text behind a thread: that was the last one */
#define ASK_MS 1000  /* a request without an answer is repeated */
#define TIMEOUT_DEFAULT 10.0
#define NUMBER_MAX 1e9
#define PID_PREFIX "pid:"

enum way { WAY_UNKNOWN, WAY_LINE, WAY_REQUEST, WAY_QEMU, WAY_PROCESS };

struct dump_options {
    const char *elf, *target;
    enum way way;
    struct guest guest;
    pid_t pid;
    double timeout_s;
    unsigned baud;
    bool is_json;
};

struct dump {
    const struct dump_options *chosen;
    struct target target;
    struct capture *capture;
    struct thread_text text;
    int64_t heard_ms;   /* when text of a stack last came; a program may print meanwhile */
    size_t heard_bytes; /* how much */
    bool done;          /* the target says so */
    uint32_t status;
};

static const struct argp_option options[] = {
    {"elf", 'e', "IMAGE", 0, "The ELF file that the addresses belong to (required)", 0},
    {"break", 'k', "WAY", 0,
     "How to ask: line (a break on the line; default on serial devices), request (default "
     "elsewhere), "
     "qmp:SOCKET (QEMU), pid:PID (a process)",
     0},
    {"timeout", 't', "SECONDS", 0, "How long to wait for the stacks (10)", 0},
    {"baud", 'b', "BAUD", 0, "Of a serial device (115200)", 0},
    {"json", 'j', NULL, 0, "One JSON object: threads with their frames", 0},
    {0},
};

static const char about[] =
    "Prints the stacks of all threads of a running TARGET, or those of the last dump in a log."
    "\v"
    "TARGET: a serial device, a pseudo terminal, a socket (a path, or tcp:HOST:PORT), or a file "
    "(\"-\": "
    "stdin). A break is obeyed by every image that has the unwinder, also by one that hangs; a "
    "request by one that has called weft_remote_start.";

static void parse_way(struct argp_state *state, struct dump_options *chosen, const char *text)
{
    char *end = NULL;

    if (strcmp(text, "line") == 0) {
        chosen->way = WAY_LINE;
    } else if (strcmp(text, "request") == 0) {
        chosen->way = WAY_REQUEST;
    } else if (strncmp(text, PID_PREFIX, strlen(PID_PREFIX)) == 0) {
        chosen->way = WAY_PROCESS;
        chosen->pid = (pid_t)strtol(text + strlen(PID_PREFIX), &end, 10);
    } else if (guest_parse(&chosen->guest, text) && chosen->guest.kind == GUEST_QEMU) {
        chosen->way = WAY_QEMU;
    } else {
        argp_error(state, "--break: %s is none of line, request, qmp:SOCKET, pid:PID", text);
    }
    if (chosen->way == WAY_PROCESS && (*end != '\0' || chosen->pid <= 0))
        argp_error(state, "--break: %s: not the number of a process", text);
}

static double parse_number(struct argp_state *state, const char *text)
{
    char *end;
    double number = strtod(text, &end);

    if (end == text || *end != '\0' || !(number > 0 && number <= NUMBER_MAX))
        argp_error(state, "%s: not a positive number", text);
    return number;
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    struct dump_options *chosen = state->input;

    if (key == 'e')
        chosen->elf = argument;
    else if (key == 'k')
        parse_way(state, chosen, argument);
    else if (key == 't')
        chosen->timeout_s = parse_number(state, argument);
    else if (key == 'b')
        chosen->baud = (unsigned)parse_number(state, argument);
    else if (key == 'j')
        chosen->is_json = true;
    else if (key == ARGP_KEY_ARG && state->arg_num == 0)
        chosen->target = argument;
    else if (key == ARGP_KEY_ARG)
        argp_error(state, "%s: one target at a time", argument);
    else if (key == ARGP_KEY_END && (!chosen->elf || !chosen->target))
        argp_error(state, "%s is missing", !chosen->elf ? "--elf" : "TARGET");
    else
        return key == ARGP_KEY_END ? 0 : ARGP_ERR_UNKNOWN;
    return 0;
}

static void on_text(void *context, const char *text, size_t length)
{
    struct dump *dump = context;

    thread_text_feed(&dump->text, text, length);
    if (dump->text.threads.length != dump->heard_bytes)
        dump->heard_ms = clock_now_ms();
    dump->heard_bytes = dump->text.threads.length;
}

static void on_reply(void *context, const struct log_reply *reply)
{
    struct dump *dump = context;

    if (reply->number != dump->target.number)
        return;
    dump->done = reply->done != 0;
    dump->status = reply->status;
}

/* False: the line has ended, with errno. */
static bool take(struct dump *dump, int wait_ms)
{
    static uint8_t bytes[65536];
    ssize_t got = target_read(&dump->target, bytes, sizeof bytes, wait_ms);

    if (got > 0)
        capture_feed(dump->capture, bytes, (size_t)got);
    return got >= 0;
}

static bool ask(struct dump *dump, enum way way, struct buffer *error)
{
    const struct dump_options *chosen = dump->chosen;

    switch (way) {
    case WAY_LINE:
        if (target_break(&dump->target))
            return true;
        break;
    case WAY_REQUEST:
        if (target_ask(&dump->target, "dump", false))
            return true;
        break;
    case WAY_QEMU:
        return guest_break(&chosen->guest, 0, error);
    case WAY_PROCESS:
    case WAY_UNKNOWN:
        if (kill(chosen->pid, SIGQUIT) == 0)
            return true;
        break;
    }
    buffer_printf(error, "%s: cannot ask for the stacks: %s", chosen->target, strerror(errno));
    return false;
}

static int fail(const struct dump *dump, const char *why, const char *hint)
{
    progress_end();
    message_error("%s: %s at offset %" PRIu64 "%s", dump->target.name, why, dump->target.bytes,
                  hint);
    return EXIT_NO_ANSWER;
}

static int fail_late(const struct dump *dump, enum way way)
{
    if (dump->text.count > 0)
        return fail(dump, "the stacks do not end", "");
    return fail(dump, "no stacks came before the timeout",
                way == WAY_REQUEST ? ": has the program called weft_remote_start, and does nobody "
                                     "else read the line?"
                                   : ": is it the console's line, and does nobody else read it?");
}

/* Until the target says that it is done, or is silent behind a thread. */
static int listen_live(struct dump *dump, enum way way)
{
    int64_t asked = clock_now_ms(), deadline = asked + (int64_t)(dump->chosen->timeout_s * 1000);

    while (!dump->done) {
        int64_t now = clock_now_ms();

        if (way != WAY_REQUEST && dump->text.count > 0 && now > dump->heard_ms + QUIET_MS)
            break;
        if (way == WAY_REQUEST && dump->text.count == 0 && now > asked + ASK_MS) {
            (void)target_ask(&dump->target, "dump", true); /* it may have been lost */
            asked = now;
        }
        if (now > deadline)
            return fail_late(dump, way);
        progress("%s: waiting for the stacks, %u threads so far", dump->target.name,
                 dump->text.count);
        if (!take(dump, 100))
            return fail(dump, errno != 0 ? strerror(errno) : "the target has closed the line", "");
    }
    progress_end();
    if (dump->status == 0)
        return 0;
    message_error("%s: the target refuses: %s", dump->target.name, target_error(dump->status));
    return EXIT_NO_ANSWER;
}

static int listen_file(struct dump *dump)
{
    while (take(dump, 1000))
        progress_read(dump->target.name, dump->target.bytes);
    return target_file_end(&dump->target);
}

static int listen_target(struct dump *dump)
{
    struct buffer error = {0};
    enum way way = dump->chosen->way;
    int status = EXIT_NO_ANSWER;

    if (!dump->target.is_live && way == WAY_UNKNOWN)
        return listen_file(dump);
    if (!dump->target.is_live) {
        message_error("%s: a file can't be asked: leave --break out", dump->target.name);
        return EXIT_USAGE;
    }
    if (way == WAY_UNKNOWN)
        way = dump->target.has_break ? WAY_LINE : WAY_REQUEST;
    if (ask(dump, way, &error))
        status = listen_live(dump, way);
    else
        message_error("%s", buffer_text(&error));
    buffer_free(&error);
    return status;
}

static int print_threads(struct dump *dump)
{
    const struct buffer *threads = &dump->text.threads;
    bool whole;

    capture_finish(dump->capture);
    whole = thread_text_finish(&dump->text);
    if (dump->capture->reader.refusal.length > 0) { /* its names would be wrong */
        message_error("%s: %s", dump->target.name, buffer_text(&dump->capture->reader.refusal));
        return EXIT_DATA;
    }
    if (dump->text.count == 0) {
        message_error("%s: there are no stacks in it (%" PRIu64 " bytes)", dump->target.name,
                      dump->target.bytes);
        return EXIT_DATA;
    }
    if (dump->chosen->is_json)
        printf("{\"complete\": %s, \"threads\": [\n %s\n]}\n", whole ? "true" : "false",
               buffer_text(&dump->text.json));
    else
        fwrite(buffer_text(threads), 1, threads->length, stdout);
    if (fflush(stdout) != 0) {
        message_error("standard output: %s", strerror(errno));
        return EXIT_IO;
    }
    if (whole)
        return 0;
    message_error("%s: the stack of the last thread is cut off at offset %" PRIu64,
                  dump->target.name, dump->target.bytes);
    return EXIT_DATA;
}

int command_dump(int argc, char **argv)
{
    static const struct argp parser = {
        .options = options, .parser = parse_option, .args_doc = "TARGET", .doc = about};
    struct dump_options chosen = {.timeout_s = TIMEOUT_DEFAULT, .baud = 115200};
    struct dump dump = {.chosen = &chosen};
    struct symbols *symbols;
    struct buffer error = {0};
    int status = EXIT_NO_INPUT;

    argp_parse(&parser, argc, argv, 0, NULL, &chosen);
    symbols = symbols_open(chosen.elf, &error);
    if (symbols == NULL || !target_open(&dump.target, chosen.target, chosen.baud, &error)) {
        message_error("%s", buffer_text(&error));
    } else {
        dump.capture = capture_open(symbols, on_text, &dump);
        dump.capture->reply = on_reply;
        dump.capture->reply_context = &dump;
        status = listen_target(&dump);
        if (status == 0)
            status = print_threads(&dump);
        capture_close(dump.capture);
    }
    thread_text_free(&dump.text);
    target_close(&dump.target);
    if (symbols != NULL)
        symbols_close(symbols);
    buffer_free(&error);
    return status;
}
