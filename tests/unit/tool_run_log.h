/* SPDX-License-Identifier: MIT */
/* The log of a run of an image compiled for the test, and a report of it. */
#ifndef TESTS_UNIT_TOOL_RUN_LOG_H
#define TESTS_UNIT_TOOL_RUN_LOG_H

#include "tests/unit/tool_log.h"
#include "tests/unit/tool_program.h"
#include "tools/weft/symbols.h"

static const char *const result_files[] = {"out/cpu.pb.gz", "out/flame.svg", "out/folded.txt",
                                           "out/summary.txt"};

/* The log of a run of scratch/image: what each test needs of it. */
struct run_log {
    struct log_writer writer;
    uint8_t id[32];
    size_t id_bytes;
    uint64_t store, start,
        no_debug; /* addresses: inside innermost(), in __start(), in no_debug() */
};

static inline void learn_addresses(struct run_log *log, struct symbols *symbols)
{
    const struct image *image = symbols_image(symbols);

    for (size_t i = 0; i < image->function_count; i++) {
        const struct image_function *function = &image->functions[i];

        if (strcmp(function->name, "__start") == 0)
            log->start = function->start;
        else if (strcmp(function->name, "no_debug") == 0)
            log->no_debug = function->start;
        else if (strcmp(function->name, "outer") == 0)
            for (log->store = function->start; symbols_find(symbols, log->store)->count != 3;)
                log->store++;
    }
    cr_assert(log->start != 0 && log->no_debug != 0 && log->store != 0);
}

static inline void log_make(struct run_log *log, const char *compiler, const char *flags)
{
    struct buffer error = {0};
    struct symbols *symbols;
    char path[128];

    compile_image(compiler, flags);
    snprintf(path, sizeof path, "%s/image", scratch);
    symbols = symbols_open(path, &error);
    cr_assert_not_null(symbols, "%s", buffer_text(&error));
    *log = (struct run_log){.writer.big_endian = symbols_image(symbols)->big_endian,
                            .writer.word_bytes = symbols_image(symbols)->word_bytes,
                            .id_bytes = symbols_image(symbols)->build_id_bytes};
    memcpy(log->id, symbols_image(symbols)->build_id, log->id_bytes);
    learn_addresses(log, symbols);
    symbols_close(symbols);
}

static inline void add_sample(struct run_log *log, uint8_t core, struct log_sample sample,
                              const uint64_t *pcs)
{
    writer_sample(&log->writer, core, &sample, pcs);
}

#define RATE 1000000 /* 1000 Hz */
#define TICKS 100u   /* of core 0 in the whole log below: 81 recorded, 9 + 4 + 3 + 3 not */

static const struct log_end whole_end = {TICKS, 81, 9, 4, 3, 3, 0, 0, 0, 100000000};

/* Core 0 of a log: text around and between the records, every kind of record and context. */
static inline void add_core_0(struct run_log *log, uint32_t cores)
{
    const uint64_t pcs[] = {log->store, log->start}, symbol[] = {log->no_debug + 4, log->start};
    struct log_writer *writer = &log->writer;

    writer_text(writer, "hello\n");
    writer_header(writer, 0, cores, RATE, log->id, log->id_bytes);
    add_sample(log, 0, (struct log_sample){7, CONTEXT_THREAD, REASON_FULL, 2, 40, 0, 0, 0}, pcs);
    add_sample(log, 0, (struct log_sample){7, CONTEXT_THREAD, REASON_LEAF, 2, 10, 0, 0, 0}, symbol);
    writer_text(writer, "in between\n");
    add_sample(log, 0, (struct log_sample){7, CONTEXT_THREAD, REASON_FULL, 2, 5, 0, 0, 0}, pcs);
    add_sample(log, 0, (struct log_sample){8, CONTEXT_THREAD, REASON_DEPTH, 1, 2, 0, 0, 0}, pcs);
    add_sample(log, 0, (struct log_sample){8, CONTEXT_THREAD, REASON_NO_LOCK, 0, 1, 0, 0, 0}, NULL);
    add_sample(log, 0, (struct log_sample){0, CONTEXT_IDLE, REASON_FULL, 0, 20, 0, 0, 0}, NULL);
    add_sample(log, 0, (struct log_sample){0, CONTEXT_INTERRUPT, REASON_FULL, 1, 1, 0, 0, 0},
               symbol);
    add_sample(log, 0, (struct log_sample){0, CONTEXT_COLLECTOR, REASON_FULL, 0, 1, 0, 0, 0}, NULL);
    add_sample(log, 0, (struct log_sample){7, CONTEXT_FOREIGN, REASON_FULL, 1, 1, 0, 0, 0},
               &log->start);
    writer_lost(writer, 0, REASON_ATOMIC64, 5);
    writer_lost(writer, 0, REASON_ATOMIC64, 4);
    writer_thread(writer, 0, 7, "reader");
    writer_thread(writer, 0, 8, "worker <&\"0");
}

static inline void whole_log(struct run_log *log)
{
    add_core_0(log, 1);
    writer_end(&log->writer, 0, &whole_end);
    writer_text(&log->writer, "bye\n");
}

static inline void put_log(const struct run_log *log)
{
    put_file("serial", log->writer.stream.data, log->writer.stream.length);
}

/* Reports the log; none of the profile's files may be there unless it succeeded. */
static inline int report(const struct run_log *log)
{
    int status;

    put_log(log);
    status = shell("$weft report --elf image --out out serial");
    for (size_t i = 0; i < sizeof result_files / sizeof result_files[0]; i++)
        cr_assert_eq(has_file(result_files[i]), status == 0, "%s after %d", result_files[i],
                     status);
    cr_assert_eq(shell("ls -A out | grep part"), 1, "something half-written is left");
    return status;
}

static inline void expect_failure(const struct run_log *log, const char *what)
{
    char *message;

    put_log(log);
    cr_assert_eq(shell("$weft report --elf image --out out serial"), 65);
    message = shell_err();
    cr_assert_not_null(strstr(message, what), "\"%s\" is not in: %s", what, message);
    cr_assert_eq(strchr(message, '\n')[1], '\0', "more than one line: %s", message);
    cr_assert_eq(strncmp(message, "weft: ", 6), 0);
    free(message);
    cr_assert_eq(report(log), 65);
}

static inline void expect_line(const char *text, const char *line)
{
    cr_assert_not_null(strstr(text, line), "\"%s\" is not in:\n%s", line, text);
}

#endif
