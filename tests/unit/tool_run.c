/* SPDX-License-Identifier: MIT */
/* Supervision: how a run ends, what is left of it, and that nothing of the command survives. */
#include <signal.h>
#include <time.h>

#include "tests/unit/tool_log.h"
#include "tests/unit/tool_program.h"
#include "tools/weft/symbols.h"

static void prepare(void)
{
    scratch_make();
    compile_image(AMD64, "");
}

TestSuite(tool_run, .init = prepare, .fini = scratch_remove, .timeout = 60);

#define RUN "$weft run --elf image --out out "

/* Until the run in the background has shown something. */
#define WAIT_FOR_SHOWN "for i in $(seq 50); do test -s shown && break; sleep 0.1; done; "

static void expect_contents(const char *name, const char *expected)
{
    struct buffer contents = {0};

    cr_assert(get_file(name, &contents), "%s is missing", name);
    cr_assert_str_eq(buffer_text(&contents), expected);
    buffer_free(&contents);
}

static void expect_in(const char *text, const char *part)
{
    cr_assert_not_null(strstr(text, part), "\"%s\" is not in: %s", part, text);
}

/* How long this test's children sleep: other tests, which run at the same time, have other
 * processes, and so other seconds. */
static const char *seconds(void)
{
    static char text[16];

    snprintf(text, sizeof text, "%d", 100000 + (int)getpid());
    return text;
}

/* Whether any process on the machine runs "sleep SECONDS". */
static bool is_sleeping(void)
{
    char pattern[64];
    int status;

    snprintf(pattern, sizeof pattern, "grep -lsz '^%s$' /proc/[0-9]*/cmdline | grep -q .",
             seconds());
    status = system(pattern);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static double now_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

Test(tool_run, the_exit_status_is_the_childs)
{
    cr_assert_eq(shell(RUN "-- true"), 0);
    cr_assert_eq(shell(RUN "-- sh -c 'echo some text; exit 37'"), 37);
    cr_assert_str_eq(shell_out(), "some text\n");
    expect_contents("out/console.log", "some text\n");
    expect_contents("out/serial.raw", "some text\n");
    cr_assert(!has_file("out/summary.txt") && !has_file("out/cpu.pb.gz"));
    cr_assert_eq(shell("ls -A out | wc -l | grep -qx 2"), 0);
}

Test(tool_run, a_signal_is_128_and_its_number)
{
    cr_assert_eq(shell(RUN "-- sh -c 'echo dying; kill -SEGV $$'"), 128 + SIGSEGV);
    expect_in(shell_err(), "weft: sh: ended by signal 11 (Segmentation fault)\n");
    expect_contents("out/console.log", "dying\n");
}

Test(tool_run, a_command_that_cannot_start)
{
    cr_assert_eq(shell(RUN "-- /nonexistent/qemu -x"), 127);
    cr_assert_str_eq(shell_err(), "weft: /nonexistent/qemu: No such file or directory\n");
    cr_assert_eq(shell(RUN "-- ./program.c"), 126);
    cr_assert_eq(shell(RUN), 64);
    cr_assert_eq(shell("$weft run --out out -- true"), 64);
    cr_assert_eq(shell(RUN "--limit 1x -- true"), 64);
    cr_assert_eq(shell(RUN "--break nothing -- true"), 64);
    cr_assert_eq(shell("$weft run --elf missing --out out -- true"), 66);
    cr_assert_eq(shell("$weft run --elf image --out image -- true"), 74);
}

/* The command's options are its own, with or without the "--". */
Test(tool_run, the_commands_options_are_its_own)
{
    cr_assert_eq(shell(RUN "sh -c 'echo $0 $1' --limit -e"), 0);
    cr_assert_str_eq(shell_out(), "--limit -e\n");
}

Test(tool_run, output_is_shown_at_once_even_without_a_newline)
{
    cr_assert_eq(shell("{ " RUN
                       "-- sh -c 'printf prompt; exec sleep %s' >shown & } ; " WAIT_FOR_SHOWN
                       "cat shown; kill $!; wait $!",
                       seconds()),
                 128 + SIGTERM);
    cr_assert_str_eq(shell_out(), "prompt");
}

Test(tool_run, the_limit_ends_a_hanging_command)
{
    double start = now_s();

    cr_assert_eq(shell(RUN "--limit 0.5 --tail 2 -- "
                           "sh -c 'echo one; echo two; echo three; while :; do sleep %s; done'",
                       seconds()),
                 124);
    cr_assert_lt(now_s() - start, 20);
    expect_in(shell_err(), "weft: sh: stopped after the limit of 0.5 s\n"
                           "weft: the end of the console:\ntwo\nthree\n");
    expect_contents("out/console.log", "one\ntwo\nthree\n");
    cr_assert(!is_sleeping(), "a grandchild is left over");
}

Test(tool_run, a_hosted_child_is_asked_for_its_stacks)
{
    cr_assert_eq(shell(RUN
                       "--limit 0.5 --break signal -- sh -c "
                       "'trap \"echo thread 1; echo pc=0x401fff; echo pc=0xdead\" QUIT; echo up; "
                       "while :; do sleep 0.1; done'"),
                 124);
    expect_in(shell_err(), "the end of the console:\nup\nthread 1\n");
    expect_in(shell_out(), "up\nthread 1\n");
}

/* SIGQUIT without a handler ends the child: still the limit, not the signal. */
Test(tool_run, a_child_that_dies_of_the_question)
{
    cr_assert_eq(shell(RUN "--limit 0.3 --break signal -- sleep %s", seconds()), 124);
    cr_assert(!is_sleeping());
}

Test(tool_run, no_monitor_to_ask_is_said)
{
    cr_assert_eq(shell(RUN "--limit 0.3 --break qmp:out/none.sock -- sleep %s", seconds()), 124);
    expect_in(shell_err(), "cannot ask for the stacks: out/none.sock: No such file or directory\n");
    expect_in(shell_err(), "no registers either: out/none.sock: No such file or directory\n");
}

/* QEMU without a kernel, stopped: it cannot answer, so its registers are shown. */
Test(tool_run, registers_of_a_machine_that_does_not_answer)
{
    if (shell("qemu-system-mips --version") != 0)
        cr_skip_test("qemu-system-mips is not installed");
    cr_assert_eq(shell("echo >firmware; mkdir -p out; " RUN
                       "--limit 3 --break qmp:out/qmp.sock -- qemu-system-mips -M malta -S "
                       "-display none -bios firmware -chardev stdio,id=console,signal=off "
                       "-serial chardev:console -monitor none "
                       "-qmp unix:out/qmp.sock,server=on,wait=off"),
                 124, "%s", shell_err());
    expect_in(shell_err(), "weft: the image did not answer; its registers:\n");
    expect_in(shell_err(), "pc=0xbfc00000");
    cr_assert_null(strstr(shell_err(), "cannot ask"), "the break was refused: %s", shell_err());
    cr_assert(!has_file("out/qmp.sock"));
    cr_assert_eq(shell("ls -A out | grep -v -e serial.raw -e console.log"), 1);
}

Test(tool_run, a_child_that_talks_for_ever_is_stopped_too)
{
    double start = now_s();

    cr_assert_eq(shell(RUN "--limit 0.5 --break signal -- "
                           "sh -c 'trap : QUIT; while :; do echo again; done' >/dev/null"),
                 124);
    cr_assert_lt(now_s() - start, 15);
}

static void check_stop(const char *name, int number)
{
    cr_assert_eq(shell("{ " RUN "-- sh -c 'echo up; sleep %s' >shown & } ; " WAIT_FOR_SHOWN
                       "kill -%s $!; wait $!",
                       seconds(), name),
                 128 + number, "%s", shell_err());
    cr_assert(!is_sleeping(), "the child survived SIG%s", name);
    expect_contents("out/console.log", "up\n");
}

Test(tool_run, being_told_to_stop_stops_the_child)
{
    check_stop("TERM", SIGTERM);
    check_stop("HUP", SIGHUP);
}

/* A shell gives its background jobs SIGINT ignored; signalfd hears it all the same. */
Test(tool_run, interrupting_stops_the_child)
{
    check_stop("INT", SIGINT);
}

Test(tool_run, the_child_dies_with_a_killed_tool)
{
    shell("{ " RUN "-- sh -c 'echo up; exec sleep %s' >shown & } ; " WAIT_FOR_SHOWN
          "kill -KILL $!; sleep 0.3",
          seconds());
    cr_assert(!is_sleeping());
    cr_assert(!has_file("out/console.log"), "a killed run's files have no names");
}

/* A background process that holds the pipe open must neither keep the tool nor stay. */
Test(tool_run, what_the_child_started_goes_with_it)
{
    double start = now_s();

    cr_assert_eq(shell(RUN "-- sh -c 'sleep %s & echo bye; exit 3'", seconds()), 3);
    cr_assert_lt(now_s() - start, 20);
    cr_assert(!is_sleeping());
}

/* All that the child wrote before its end arrives, also when it is much. */
Test(tool_run, nothing_of_the_output_is_lost)
{
    cr_assert_eq(shell("seq 1 400000 >expected; " RUN "-- cat expected >shown && "
                       "cmp expected shown && cmp expected out/console.log && "
                       "cmp expected out/serial.raw"),
                 0, "%s", shell_err());
}

Test(tool_run, a_reader_that_goes_away_does_not_stop_the_run)
{
    cr_assert_eq(shell("{ " RUN "-- seq 1 100000; echo $? >status; } | head -1 && "
                       "grep -qx 0 status && seq 1 100000 | cmp - out/console.log"),
                 0, "%s", shell_err());
}

/* A log with a profile in it: one idle tick. */
static void put_profile(uint32_t recorded)
{
    struct log_writer writer = {.word_bytes = 8};
    const struct log_end end = {recorded, recorded, 0, 0, 0, 0, 0, 0, 0, 1000000};
    const struct log_sample sample = {0, CONTEXT_IDLE, REASON_FULL, 0, 1, 0, 0, 0};
    struct buffer error = {0};
    struct symbols *symbols;
    char path[128];

    snprintf(path, sizeof path, "%s/image", scratch);
    symbols = symbols_open(path, &error);
    cr_assert_not_null(symbols);
    writer_text(&writer, "before\n");
    writer_header(&writer, 0, 1, 1000000, symbols_image(symbols)->build_id,
                  symbols_image(symbols)->build_id_bytes);
    writer_sample(&writer, 0, &sample, NULL);
    writer_end(&writer, 0, &end);
    writer_text(&writer, "after\n");
    put_file("log", writer.stream.data, writer.stream.length);
    symbols_close(symbols);
    writer_free(&writer);
}

Test(tool_run, a_profile_on_the_line_becomes_results)
{
    put_profile(1);
    cr_assert_eq(shell(RUN "-- cat log"), 0, "%s", shell_err());
    expect_in(shell_out(), "before\nafter\n");
    expect_in(shell_out(),
              "         1  100.0%          1  100.0%  _Idle\nprofile: ticks=1 recorded=1 "
              "lost_atomic64=0 lost_full=0 lost_nolock=0 suppressed=0\n");
    expect_contents("out/console.log", "before\nafter\n");
    cr_assert_eq(shell("cmp log out/serial.raw"), 0);
    cr_assert(has_file("out/cpu.pb.gz") && has_file("out/flame.svg"));
    cr_assert(has_file("out/folded.txt") && has_file("out/summary.txt"));
    cr_assert_eq(shell(RUN "--json -- cat log"), 0);
    cr_assert_eq(shell_out()[0], '{');
    expect_in(shell_err(), "before\nafter\n");
}

Test(tool_run, a_profile_that_does_not_add_up_fails_the_run)
{
    put_profile(1);
    cr_assert_eq(shell(RUN "-- cat log"), 0);
    put_profile(2);
    cr_assert_eq(shell(RUN "-- cat log"), 65);
    expect_in(shell_err(),
              "weft: out/serial.raw: the sample log is not whole: core 0: recorded=2, ");
    cr_assert(!has_file("out/cpu.pb.gz"), "the last run's results are still there");
    cr_assert(!has_file("out/summary.txt") && has_file("out/serial.raw"));
    cr_assert_eq(shell(RUN "-- sh -c 'cat log; exit 3'"), 3, "the child's failure weighs more");
}

Test(tool_run, the_stored_serial_line_gives_the_same_results)
{
    put_profile(1);
    cr_assert_eq(shell(RUN "-- cat log && $weft report --elf image --out again out/serial.raw && "
                           "cmp out/flame.svg again/flame.svg && "
                           "cmp out/summary.txt again/summary.txt && "
                           "cmp out/console.log again/console.log"),
                 0, "%s", shell_err());
}
