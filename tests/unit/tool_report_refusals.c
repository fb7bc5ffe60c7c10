/* SPDX-License-Identifier: MIT */
/* Logs through the tool that do not add up, are damaged, cut off, another image's or nonsense; and
 * those that look so and are whole. */
#include "tests/unit/tool_run_log.h"

TestSuite(tool_report, .init = scratch_make, .fini = scratch_remove, .timeout = 120);

/* Each total wrong by one: the tool names it. */
Test(tool_report, totals_that_do_not_add_up)
{
    static const struct {
        struct log_end end;
        const char *what;
    } cases[] = {
        {{101, 81, 9, 4, 3, 3, 0, 0, 0, 1},
         "core 0: ticks=101, but recorded, lost and suppressed add up to 100"},
        {{101, 82, 9, 4, 3, 3, 0, 0, 0, 1},
         "core 0: recorded=82, but the samples received add up to 81"},
        {{99, 81, 8, 4, 3, 3, 0, 0, 0, 1},
         "core 0: lost_atomic64=8, but the loss records received add up to 9"},
        {{100, 80, 10, 4, 3, 3, 0, 0, 0, 1}, "recorded=80"},
        {{100, 81, 9, 4, 3, 4, 0, 0, 0, 1}, "add up to 101"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct run_log log;

        log_make(&log, AMD64, "");
        add_core_0(&log, 1);
        writer_end(&log.writer, 0, &cases[i].end);
        expect_failure(&log, cases[i].what);
        writer_free(&log.writer);
    }
}

/* The target counts modulo 2^32, and so must the comparison. */
Test(tool_report, counts_may_wrap)
{
    struct run_log log;
    const struct log_end end = {4, 4, 0, 0, 0, 0, 0, 0, 0, 1};

    log_make(&log, AMD64, "");
    writer_header(&log.writer, 0, 1, RATE, log.id, log.id_bytes);
    add_sample(&log, 0, (struct log_sample){0, CONTEXT_IDLE, REASON_FULL, 0, UINT32_MAX, 0, 0, 0},
               NULL);
    add_sample(&log, 0, (struct log_sample){0, CONTEXT_IDLE, REASON_FULL, 0, 5, 0, 0, 0}, NULL);
    writer_end(&log.writer, 0, &end);
    cr_assert_eq(report(&log), 0);
    writer_free(&log.writer);
}

static void add_idle_core(struct run_log *log, uint8_t core, uint32_t cores, uint32_t count)
{
    const struct log_end end = {count, count, 0, 0, 0, 0, 0, 0, 0, 100000000};

    writer_header(&log->writer, core, cores, RATE, log->id, log->id_bytes);
    add_sample(log, core, (struct log_sample){0, CONTEXT_IDLE, REASON_FULL, 0, count, 0, 0, 0},
               NULL);
    writer_end(&log->writer, core, &end);
}

Test(tool_report, two_cores_add_up_each_and_together)
{
    struct run_log log;

    log_make(&log, AMD64, "");
    add_idle_core(&log, 1, 2, 11);
    add_core_0(&log, 2);
    writer_end(&log.writer, 0, &whole_end);
    cr_assert_eq(report(&log), 0, "%s", shell_err());
    cr_assert_eq(shell("grep -q 'ticks=111 recorded=92 ' out/summary.txt"), 0);
    writer_free(&log.writer);
    log_make(&log, AMD64, "");
    add_idle_core(&log, 1, 2, 11);
    expect_failure(&log, "only 1 of 2 cores sent a header record");
    writer_free(&log.writer);
}

Test(tool_report, a_profile_started_again_is_added_to_the_first)
{
    struct run_log log;

    log_make(&log, AMD64, "");
    add_idle_core(&log, 0, 1, 5);
    add_idle_core(&log, 0, 1, 6); /* the sequence goes on */
    log.writer.sequence[0] = 0;
    add_idle_core(&log, 0, 1, 7); /* the sequence starts again */
    cr_assert_eq(report(&log), 0, "%s", shell_err());
    cr_assert_eq(shell("grep -q 'ticks=18 recorded=18 ' out/summary.txt"), 0);
    writer_free(&log.writer);
}

Test(tool_report, a_gap_in_the_sequence_is_a_loss_even_when_it_wraps)
{
    static const struct {
        uint16_t first;
        int jump;
        const char *what;
    } cases[] = {
        {10, 0, NULL},
        {65535, 0, NULL},
        {10, 3, "core 0: 3 records missing between 10 and 14"},
        {65535, 1, "core 0: 1 record missing between 65535 and 1"},
        {65534, 5, "core 0: 5 records missing between 65534 and 4"},
        {10, -1, "core 0: record 10 again, after record 10"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct run_log log;
        const struct log_end end = {5, 5, 0, 0, 0, 0, 0, 0, 0, 1};

        log_make(&log, AMD64, "");
        log.writer.sequence[0] = cases[i].first;
        writer_header(&log.writer, 0, 1, RATE, log.id, log.id_bytes);
        log.writer.sequence[0] = (uint16_t)(log.writer.sequence[0] + cases[i].jump);
        add_sample(&log, 0, (struct log_sample){0, CONTEXT_IDLE, REASON_FULL, 0, 5, 0, 0, 0}, NULL);
        writer_end(&log.writer, 0, &end);
        if (cases[i].what == NULL)
            cr_assert_eq(report(&log), 0, "%s", shell_err());
        else
            expect_failure(&log, cases[i].what);
        writer_free(&log.writer);
    }
}

Test(tool_report, another_image_is_refused)
{
    struct run_log log;

    log_make(&log, AMD64, "");
    log.id[3] ^= 1;
    whole_log(&log);
    expect_failure(&log, "image is not the image that ran: its build id is ");
    writer_free(&log.writer);
    log_make(&log, AMD64, "");
    log.id_bytes--;
    whole_log(&log);
    expect_failure(&log, "not the image that ran");
    writer_free(&log.writer);
    log_make(&log, AMD64, "");
    cr_assert_eq(shell("objcopy -R .note.gnu.build-id image"), 0);
    whole_log(&log);
    expect_failure(&log, "image has no build id");
    writer_free(&log.writer);
}

Test(tool_report, a_log_without_a_profile_says_so)
{
    struct run_log log;

    log_make(&log, AMD64, "");
    writer_text(&log.writer, "just text\n");
    expect_failure(&log, "serial: there is no sample log of ");
    cr_assert(has_file("out/console.log"));
    writer_free(&log.writer);
}

Test(tool_report, a_log_cut_at_any_byte_is_not_whole)
{
    struct run_log log;
    size_t whole;

    log_make(&log, AMD64, "");
    add_core_0(&log, 1);
    writer_end(&log.writer, 0, &whole_end);
    whole = log.writer.stream.length - 1; /* without the last FRAME_END nothing is missing yet */
    for (size_t length = 0; length < whole; length += 1 + whole / 97) {
        log.writer.stream.length = length;
        cr_assert_eq(report(&log), 65, "cut at %zu", length);
    }
    writer_free(&log.writer);
}

/* Flips a bit in byte after byte of the frames, in steps. */
Test(tool_report, no_flipped_bit_goes_unnoticed)
{
    struct run_log log;
    size_t whole, first, last;

    log_make(&log, AMD64, "");
    whole_log(&log);
    whole = log.writer.stream.length;
    first = strlen("hello\n");
    last = whole - strlen("bye\n") - 1;
    for (size_t at = first; at < last; at += 1 + whole / 151) {
        const char *text = memmem(log.writer.stream.data, whole, "in between\n", 11);
        size_t text_at = (size_t)(text - log.writer.stream.data);
        bool is_text = at >= text_at && at < text_at + 11;
        bool is_end = (uint8_t)log.writer.stream.data[at] == FRAME_END; /* redundant: CRC decides */

        log.writer.stream.data[at] ^= 4;
        cr_assert(is_text || is_end || report(&log) == 65, "bit 2 of byte %zu", at);
        log.writer.stream.data[at] ^= 4;
    }
    writer_free(&log.writer);
}

Test(tool_report, what_is_left_of_a_damaged_log_can_be_asked_for)
{
    struct run_log log;

    log_make(&log, AMD64, "");
    add_core_0(&log, 1);
    put_log(&log);
    cr_assert_eq(shell("$weft report --partial --elf image --out out serial"), 65);
    expect_line(shell_out(), "(what is left of a damaged log)");
    expect_line(shell_err(), "core 0: its end record is missing");
    cr_assert(has_file("out/cpu.pb.gz") && has_file("out/flame.svg"));
    writer_free(&log.writer);
}

/* Rates, labels and waiting: what they are in the profile. */
Test(tool_report, ticks_weigh_what_their_rate_says_and_carry_labels)
{
    const struct log_end end = {30, 30, 0, 0, 0, 0, 4, 0, 0, 100000000};
    struct run_log log;
    struct log_writer *writer = &log.writer;
    char tree[512];

    cr_assert_not_null(getcwd(tree, sizeof tree));
    log_make(&log, AMD64, "");
    writer->flags = LOG_WALL;
    writer_header(writer, 0, 1, RATE, log.id, log.id_bytes);
    add_sample(&log, 0, (struct log_sample){7, CONTEXT_THREAD, REASON_FULL, 1, 10, 2, 0, 0},
               &log.start);
    writer_rate(writer, 0, 10 * RATE);
    add_sample(&log, 0, (struct log_sample){7, CONTEXT_THREAD, REASON_FULL, 1, 20, 2, 0, 0},
               &log.start);
    add_sample(&log, 0, (struct log_sample){8, CONTEXT_BLOCKED, REASON_FULL, 1, 4, 1, 3, 0},
               &log.start);
    writer_label(writer, 1, 0, "request", "GET /");
    writer_label(writer, 2, 1, "phase", "parse");
    writer_wait(writer, 3, "queue receive");
    writer_end(writer, 0, &end);
    put_log(&log);
    cr_assert_eq(shell("$weft report --elf image --out out serial"), 0, "%s", shell_err());
    expect_line(shell_out(), " waited=4 waited_lost=0");
    cr_assert_eq(shell("grep -q '_Blocked: queue receive 4$' out/folded.txt"), 0);
    cr_assert_eq(shell("zcat out/cpu.pb.gz | protoc --decode=pprof.Profile -I %s/tools/weft "
                       "%s/tools/weft/profile.proto > decoded",
                       tree, tree),
                 0, "%s", shell_err());
    /* 10 at 1 kHz and 20 at 10 kHz */
    cr_assert_eq(shell("grep -qx '  value: 10000000' decoded && grep -qx '  value: 2000000' "
                       "decoded"),
                 0);
    cr_assert_eq(
        shell("for s in request 'GET /' phase parse wait 'queue receive' wall; do grep -qx "
              "\"string_table: \\\"$s\\\"\" decoded || exit 1; done"),
        0);
    writer_free(&log.writer);
}

/* Of a log that keeps the newest, the records before them are no loss; a later gap is one. */
Test(tool_report, a_log_of_the_newest_begins_anywhere)
{
    for (int gap = 0; gap < 2; gap++) {
        const struct log_end end = {9, 3, 0, 6, 0, 0, 0, 0, 0, 100000000};
        struct run_log log;

        log_make(&log, AMD64, "");
        log.writer.flags = LOG_KEEPS_NEWEST;
        writer_header(&log.writer, 0, 1, RATE, log.id, log.id_bytes);
        log.writer.sequence[0] = 4711;
        for (uint32_t i = 0; i < 3; i++) {
            add_sample(&log, 0, (struct log_sample){i, CONTEXT_IDLE, REASON_FULL, 0, 1, 0, 0, 0},
                       NULL);
            log.writer.sequence[0] += gap == 1 && i == 1;
        }
        writer_end(&log.writer, 0, &end);
        put_log(&log);
        cr_assert_eq(shell("$weft report --elf image --out out serial"), gap == 0 ? 0 : 65);
        writer_free(&log.writer);
    }
}

/* Records with the right checks and nonsense inside. */
Test(tool_report, nonsense_in_a_record_is_reported_not_believed)
{
    static const struct {
        uint8_t type;
        uint32_t fields[sizeof(struct log_header) / 4];
        size_t count;
        const char *what;
    } cases[] = {
        {LOG_SAMPLE, {1, 0, 3, 0}, 2, "a sample record that is too short"},
        {LOG_SAMPLE, {1, 0x00010000, 1}, 4, "a sample record that contradicts itself"},
        {LOG_SAMPLE, {1, 0xffff0000, 1}, 4, "a sample record that contradicts itself"},
        {LOG_SAMPLE, {1, 0, 0}, 4, "a sample record that contradicts itself"},
        {LOG_SAMPLE, {1, 9, 1}, 4, "a sample record that contradicts itself"},
        {LOG_RATE, {0, 0}, 2, "a rate record that is wrong"},
        {LOG_LABEL, {1, 1, 1, 1, 0, 0}, 6, "a label record that contradicts itself"},
        {LOG_LABEL, {1, 0, 1, 1, 0}, 5, "a label record that contradicts itself"},
        {LOG_LABEL, {1, 0, 33, 1}, 4, "a label record that contradicts itself"},
        {LOG_LABEL, {1, 0}, 2, "a label record that contradicts itself"},
        {LOG_WAIT, {256, 1, 0}, 3, "a record of a reason for waiting that is wrong"},
        {LOG_WAIT, {1, 5, 0}, 3, "a record of a reason for waiting that is wrong"},
        {LOG_LOST, {6}, 1, "a loss record with a wrong length"},
        {LOG_LOST, {99, 1}, 2, "a loss record that contradicts itself"},
        {LOG_END, {0}, 7, "an end record with a wrong length"},
        {LOG_THREAD, {7, 40}, 2, "a thread record with a wrong length"},
        {LOG_THREAD, {7, 0xfffffffc}, 3, "a thread record with a wrong length"},
        {LOG_THREAD, {7}, 1, "a thread record with a wrong length"},
        {LOG_HEADER, {1, 8}, 2, "a header record that is too short"},
        {LOG_HEADER,
         {LOG_VERSION, 8, 0, 9, 0, 0, 0, 0, 1, [sizeof(struct log_header) / 4 - 1] = 0xffffffff},
         sizeof(struct log_header) / 4,
         "a header record with a wrong length"},
        {99, {0}, 0, "a record of unknown type"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct run_log log;

        log_make(&log, AMD64, "");
        add_core_0(&log, 1);
        writer_begin(&log.writer, cases[i].type, 0);
        for (size_t field = 0; field < cases[i].count; field++)
            writer_32(&log.writer, &log.writer.record, cases[i].fields[field]);
        writer_finish(&log.writer);
        writer_end(&log.writer, 0, &whole_end);
        expect_failure(&log, cases[i].what);
        writer_free(&log.writer);
    }
}

Test(tool_report, what_cannot_be_read_or_written_is_named)
{
    compile_image(AMD64, "");
    cr_assert_eq(shell("$weft report --elf image --out out missing"), 66);
    expect_line(shell_err(), "weft: missing: No such file or directory\n");
    cr_assert_eq(shell("$weft report --elf missing --out out image"), 66);
    expect_line(shell_err(), "weft: missing: No such file or directory\n");
    cr_assert_eq(shell("$weft report --elf image --out image image"), 74);
    expect_line(shell_err(), "weft: image: not a directory\n");
    cr_assert_eq(shell("$weft report --elf image --out out ."), 66);
    expect_line(shell_err(), "weft: .: Is a directory\n");
    cr_assert_eq(shell("$weft report --elf image"), 64);
    cr_assert_eq(shell("$weft report --help"), 0);
    cr_assert_eq(shell("$weft nonsense"), 64);
    cr_assert_eq(shell("$weft"), 64);
}

/* A full disk: /dev/full stands in for it. Nothing may appear, and the old results are gone. */
Test(tool_report, nothing_appears_when_writing_fails)
{
    struct run_log log;

    log_make(&log, AMD64, "");
    whole_log(&log);
    put_log(&log);
    cr_assert_eq(shell("mkdir out; echo old >out/summary.txt; mkdir out/.flame.svg.part; "
                       "$weft report --elf image --out out serial"),
                 74);
    expect_line(shell_err(), "out/.flame.svg.part: Is a directory");
    cr_assert_eq(shell("rmdir out/.flame.svg.part; ls -A out"), 0);
    cr_assert_str_eq(shell_out(), "");
    writer_free(&log.writer);
}
