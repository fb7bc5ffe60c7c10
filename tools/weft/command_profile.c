/* SPDX-License-Identifier: MIT */
/*
 * weft profile: asks a running target for a profile (prof/remote.c), records what comes, and makes
 * of it what weft report makes of a log. A target that is a file is such a log.
 */
#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tools/weft/clock.h"
#include "tools/weft/commands.h"
#include "tools/weft/message.h"
#include "tools/weft/progress.h"
#include "tools/weft/results.h"
#include "tools/weft/target.h"

#define ASKS 3           /* a request is repeated so often, */
#define ASK_MS 1000      /* after so long */
#define SILENCE_MS 10000 /* when nothing at all comes behind the end, it is over */
#define SECONDS_MAX 86400.0
#define REQUEST_BYTES 48

struct profile_options {
    const char *elf, *out, *target;
    double seconds;
    unsigned rate_hz, baud;
    const char *what; /* cpu, wall, heap, threads */
    bool is_json, is_partial;
};

/* One recording. */
struct recording {
    const struct profile_options *chosen;
    struct target target;
    struct capture *capture;
    FILE *serial, *console;
    char request[REQUEST_BYTES];
    bool accepted, done;
    uint32_t number; /* of the request */
    uint32_t status; /* of the last reply */
};

static const struct argp_option options[] = {
    {"elf", 'e', "IMAGE", 0, "The ELF file that runs (required)", 0},
    {"out", 'o', "DIR", 0, "Where the results go (required)", 0},
    {"seconds", 's', "N", 0, "How long (10)", 0},
    {"rate", 'r', "HZ", 0, "Ticks a second and core, 10 to 20000 (1000)", 0},
    {"what", 'w', "KIND", 0,
     "cpu (default), wall (blocked threads too), heap (the allocations so far), threads (all "
     "stacks)",
     0},
    {"baud", 'b', "BAUD", 0, "Of a serial device (115200)", 0},
    {"partial", 'p', NULL, 0, "Of a damaged log, write what is left (the exit code stays 65)", 0},
    {"json", 'j', NULL, 0, "Print the totals and all functions as one JSON object", 0},
    {0},
};

static const char about[] =
    "Records a profile of a running TARGET, or reads one out of a stored serial log."
    "\v"
    "TARGET: a serial device, a pseudo terminal, a socket (a path, or tcp:HOST:PORT), or a file "
    "(\"-\": "
    "stdin). A running program obeys when it has called weft_remote_start. Ctrl-C ends the "
    "recording "
    "early. Writes serial.raw, console.log, cpu.pb.gz, flame.svg, folded.txt and summary.txt to "
    "DIR; "
    "for heap and threads allocations.pb.gz and threads.pb.gz.";

static void parse_number(struct argp_state *state, struct profile_options *chosen, int key,
                         const char *argument)
{
    char *end;
    double number = strtod(argument, &end);

    if (end == argument || *end != '\0' || !(number > 0) || number > SECONDS_MAX * 1000)
        argp_error(state, "%s: not a positive number", argument);
    if (key == 's' && number > SECONDS_MAX)
        argp_error(state, "%s: at most a day", argument);
    if (key == 's')
        chosen->seconds = number;
    else if (key == 'r')
        chosen->rate_hz = (unsigned)number;
    else
        chosen->baud = (unsigned)number;
}

static void check_options(struct argp_state *state, const struct profile_options *chosen)
{
    static const char *const kinds[] = {"cpu", "wall", "heap", "threads"};
    bool known = false;

    if (!chosen->elf || !chosen->out || !chosen->target)
        argp_error(state, "%s is missing",
                   !chosen->elf   ? "--elf"
                   : !chosen->out ? "--out"
                                  : "TARGET");
    if (chosen->rate_hz < 10 || chosen->rate_hz > 20000)
        argp_error(state, "--rate is 10 to 20000");
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        known |= strcmp(chosen->what, kinds[i]) == 0;
    if (!known)
        argp_error(state, "--what %s: not one of cpu, wall, heap, threads", chosen->what);
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    struct profile_options *chosen = state->input;

    if (key == 's' || key == 'r' || key == 'b')
        parse_number(state, chosen, key, argument);
    else if (key == 'e')
        chosen->elf = argument;
    else if (key == 'o')
        chosen->out = argument;
    else if (key == 'w')
        chosen->what = argument;
    else if (key == 'p')
        chosen->is_partial = true;
    else if (key == 'j')
        chosen->is_json = true;
    else if (key == ARGP_KEY_ARG && state->arg_num == 0)
        chosen->target = argument;
    else if (key == ARGP_KEY_ARG)
        argp_error(state, "%s: one target at a time", argument);
    else if (key == ARGP_KEY_END)
        check_options(state, chosen);
    else
        return ARGP_ERR_UNKNOWN;
    return 0;
}

/* ---- recording ---- */

static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal_number)
{
    (void)signal_number;
    interrupted++;
}

static void on_text(void *context, const char *text, size_t length)
{
    fwrite(text, 1, length, ((struct recording *)context)->console); /* publishing checks */
}

static void on_reply(void *context, const struct log_reply *reply)
{
    struct recording *recording = context;

    if (reply->number != recording->number)
        return;
    recording->accepted = true;
    recording->status = reply->status;
    recording->done = reply->done != 0;
}

/* Reads for up to `wait_ms`. False: the line has ended, with errno. */
static bool take(struct recording *recording, int wait_ms)
{
    static uint8_t bytes[65536];
    ssize_t got = target_read(&recording->target, bytes, sizeof bytes, wait_ms);

    if (got > 0) {
        fwrite(bytes, 1, (size_t)got, recording->serial);
        capture_feed(recording->capture, bytes, (size_t)got);
    }
    return got >= 0;
}

static int ended(const struct recording *recording)
{
    message_error("%s: %s at offset %" PRIu64, recording->target.name,
                  errno != 0 ? strerror(errno) : "the target has closed the line",
                  recording->target.bytes);
    return EXIT_NO_ANSWER;
}

/* 0: the request was accepted. */
static int ask(struct recording *recording)
{
    struct target *target = &recording->target;

    for (int tries = 0; tries < ASKS && !recording->accepted && !interrupted; tries++) {
        int64_t until = clock_now_ms() + ASK_MS;

        if (!target_ask(target, recording->request, tries > 0))
            return ended(recording);
        recording->number = target->number;
        while (!recording->accepted && !interrupted && clock_now_ms() < until) {
            progress("%s: waiting for an answer", target->name);
            if (!take(recording, clock_left_ms(until)))
                return ended(recording);
        }
    }
    progress_end();
    if (!recording->accepted) {
        message_error("%s: no answer in %d s: has the program called weft_remote_start, and does "
                      "nobody else read this line?",
                      target->name, ASKS * ASK_MS / 1000);
        return EXIT_NO_ANSWER;
    }
    if (recording->status != 0) {
        message_error("%s: the target refuses: %s", target->name, target_error(recording->status));
        return EXIT_NO_ANSWER;
    }
    return 0;
}

/* Until the target says that it is done. */
static int record(struct recording *recording)
{
    struct target *target = &recording->target;
    int64_t began = clock_now_ms(), heard = began;
    int64_t planned = began + (int64_t)(recording->chosen->seconds * 1000);
    bool stopped = false;

    while (!recording->done) {
        uint64_t before = target->bytes;

        progress("%s: %.1f of %.1f s, %" PRIu64 " KiB", target->name,
                 (double)(clock_now_ms() - began) / 1000, recording->chosen->seconds,
                 target->bytes / 1024);
        if (interrupted && !stopped) {
            stopped = true;
            planned = clock_now_ms();
            (void)target_ask(target, "stop", false);
        }
        if (!take(recording, 100))
            return ended(recording);
        if (target->bytes != before)
            heard = clock_now_ms();
        if (interrupted > 1 || clock_now_ms() > (heard > planned ? heard : planned) + SILENCE_MS) {
            progress_end();
            message_error("%s: the end of the profile did not come (offset %" PRIu64 ")",
                          target->name, target->bytes);
            return EXIT_NO_ANSWER;
        }
    }
    progress_end();
    if (recording->status == 0)
        return 0;
    message_error("%s: the target failed: %s", target->name, target_error(recording->status));
    return EXIT_NO_ANSWER;
}

static int record_live(struct recording *recording)
{
    const struct profile_options *chosen = recording->chosen;
    const struct sigaction action = {.sa_handler = on_interrupt};
    int status;

    if (strcmp(chosen->what, "cpu") == 0 || strcmp(chosen->what, "wall") == 0)
        snprintf(recording->request, sizeof recording->request, "profile %u %u %s", chosen->rate_hz,
                 (unsigned)(chosen->seconds * 1000 + 0.5), chosen->what);
    else
        snprintf(recording->request, sizeof recording->request, "%s", chosen->what);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    status = ask(recording);
    return status == 0 ? record(recording) : status;
}

static int record_file(struct recording *recording)
{
    while (take(recording, 1000))
        progress_read(recording->target.name, recording->target.bytes);
    return target_file_end(&recording->target);
}

static int64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int profile_target(struct recording *recording, struct symbols *symbols, struct out_dir *out)
{
    const struct profile_options *chosen = recording->chosen;
    struct results_request request = {.symbols = symbols,
                                      .source = chosen->target,
                                      .time_ns = now_ns(),
                                      .is_partial = chosen->is_partial,
                                      .is_json = chosen->is_json};
    int status, results;

    request.capture = recording->capture = capture_open(symbols, on_text, recording);
    recording->capture->reply = on_reply;
    recording->capture->reply_context = recording;
    status = recording->target.is_live ? record_live(recording) : record_file(recording);
    capture_finish(recording->capture);
    results = 0;
    if (status == 0)
        results = results_publish(&request, out);
    else
        out_dir_discard(out);
    capture_close(recording->capture);
    return status != 0 ? status : results;
}

int command_profile(int argc, char **argv)
{
    static const struct argp parser = {
        .options = options, .parser = parse_option, .args_doc = "TARGET", .doc = about};
    static const char *const names[] = {"serial.raw", "console.log", RESULTS_FILES, NULL};
    struct profile_options chosen = {.seconds = 10, .rate_hz = 1000, .baud = 115200, .what = "cpu"};
    struct recording recording = {.chosen = &chosen};
    struct symbols *symbols;
    struct buffer error = {0};
    struct out_dir out;
    int status = EXIT_NO_INPUT;

    argp_parse(&parser, argc, argv, 0, NULL, &chosen);
    symbols = symbols_open(chosen.elf, &error);
    if (symbols == NULL || !target_open(&recording.target, chosen.target, chosen.baud, &error)) {
        message_error("%s", buffer_text(&error));
    } else if (out_dir_open(&out, chosen.out, names, &error) &&
               (recording.serial = out_dir_create(&out, "serial.raw", &error)) != NULL &&
               (recording.console = out_dir_create(&out, "console.log", &error)) != NULL) {
        status = profile_target(&recording, symbols, &out);
    } else {
        out_dir_discard(&out);
        message_error("%s", buffer_text(&error));
        status = EXIT_IO;
    }
    target_close(&recording.target);
    if (symbols != NULL)
        symbols_close(symbols);
    buffer_free(&error);
    return status;
}
