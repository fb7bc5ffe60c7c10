/* SPDX-License-Identifier: MIT */
/* From a stored serial log to results, through the tool itself: whole logs, and what others read of
 * them. Damaged and wrong ones: tool_report_refusals.c. */
#include "tests/unit/tool_run_log.h"
#include "tools/weft/flame.h"

TestSuite(tool_report, .init = scratch_make, .fini = scratch_remove, .timeout = 120);

static void check_whole(const char *compiler, const char *flags)
{
    struct run_log log;
    struct buffer text = {0};
    char *out;

    log_make(&log, compiler, flags);
    whole_log(&log);
    put_log(&log);
    cr_assert_eq(shell("$weft report --elf image --out out serial"), 0, "%s", shell_err());
    out = shell_out();
    cr_assert_not_null(strstr(out, "profile: ticks=100 recorded=81 lost_atomic64=9 lost_full=4 "
                                   "lost_nolock=3 suppressed=3\n"),
                       "%s", out);
    cr_assert_not_null(strstr(out, "\n        47   52.2%         47   52.2%  innermost\n"), "%s",
                       out);
    cr_assert(get_file("out/summary.txt", &text));
    cr_assert_str_eq(buffer_text(&text), out);
    buffer_clear(&text);
    cr_assert(get_file("out/folded.txt", &text));
    cr_assert_str_eq(buffer_text(&text), "_Collector 1\n"
                                         "_ForeignCode;__start 1\n"
                                         "_Idle 20\n"
                                         "_Interrupt;no_debug 1\n"
                                         "_System 1\n"
                                         "_System;_LostSampleDuringAtomic64 9\n"
                                         "__start;no_debug 10\n"
                                         "__start;outer;middle;innermost 45\n"
                                         "outer;middle;innermost 2\n");
    buffer_clear(&text);
    cr_assert(get_file("out/console.log", &text));
    cr_assert_str_eq(buffer_text(&text), "hello\nin between\nbye\n");
    buffer_free(&text);
    free(out);
    writer_free(&log.writer);
}

Test(tool_report, a_whole_log_of_a_big_endian_mips_image)
{
    check_whole(MIPS, "-Wl,-Ttext=0x80100000");
}

Test(tool_report, a_whole_log_of_a_little_endian_mips_image)
{
    check_whole(MIPSEL, "-Wl,-Ttext=0x80100000");
}

Test(tool_report, a_whole_log_of_an_amd64_image)
{
    check_whole(AMD64, "");
}

/* What another program sees in the cpu.pb.gz of a whole log, without the ELF at hand. */
static char *pprof(const char *arguments)
{
    struct run_log log;

    log_make(&log, MIPS, "-Wl,-Ttext=0x80100000");
    whole_log(&log);
    cr_assert_eq(report(&log), 0);
    writer_free(&log.writer);
    cr_assert_eq(
        shell("mv image elsewhere; HOME=. go tool pprof %s out/cpu.pb.gz | tr -s ' '", arguments),
        0, "%s", shell_err());
    return shell_out();
}

Test(tool_report, go_tool_pprof_reads_the_profile)
{
    char *out;

    if (shell("go version") != 0)
        cr_skip_test("go is not installed");
    out = pprof("-top -sample_index=samples -nodecount=100");
    expect_line(out, "Type: samples\n");
    expect_line(out, "accounting for 90, 100% of 90 total");
    expect_line(out, " 47 52.22% 52.22% 47 52.22% innermost (inline)\n");
    expect_line(out, " 0 0% 100% 47 52.22% middle (inline)\n");
    expect_line(out, " 0 0% 100% 47 52.22% outer\n");
    expect_line(out, " 20 22.22% 74.44% 20 22.22% _Idle\n");
    expect_line(out, " 11 12.22% 86.67% 11 12.22% no_debug\n");
    expect_line(out, " 9 10.00% 96.67% 9 10.00% _LostSampleDuringAtomic64\n");
    expect_line(out, " 1 1.11% 98.89% 10 11.11% _System\n");
    expect_line(out, " 56 62.22% __start\n");
    expect_line(out, " 1 1.11% _Interrupt\n");
    free(out);
}

Test(tool_report, go_tool_pprof_sees_labels_lines_and_time)
{
    char *out;

    if (shell("go version") != 0)
        cr_skip_test("go is not installed");
    out = pprof("-raw");
    expect_line(out, "PeriodType: cpu nanoseconds\nPeriod: 1000000\n");
    expect_line(out, "Duration: 100m");
    expect_line(out, "samples/count cpu/nanoseconds\n 45 45000000: ");
    expect_line(out, "context:[thread] thread:[reader]\n thread_id:[7]");
    expect_line(out, "thread:[worker <&\"0] truncated:[depth]");
    expect_line(out, "truncated:[no lock]");
    expect_line(out, "innermost program.c:4 s=2\n");
    expect_line(out, "middle program.c:9 s=7\n");
    expect_line(out, "outer program.c:13 s=11\n");
    cr_assert_null(strstr(out, " 0x0 "), "%s", out);
    cr_assert_null(strstr(out, "outside text"), "%s", out);
    expect_line(out, "Mappings\n1: 0x80");
    expect_line(out, "[FN][FL][LN][IN]\n");
    free(out);
}

Test(tool_report, a_pc_outside_of_the_text_is_flagged)
{
    struct run_log log;
    int stacks;
    char *out;

    if (shell("go version") != 0)
        cr_skip_test("go is not installed");
    log_make(&log, AMD64, "");
    log.writer.text_start = (uint32_t)log.store + 1; /* what lies before is in two stacks each */
    stacks = 2 + (log.no_debug + 4 <= log.store ? 2 : 0);
    whole_log(&log);
    cr_assert_eq(report(&log), 0);
    cr_assert_eq(shell("HOME=. go tool pprof -raw out/cpu.pb.gz | grep -c 'pc:.outside text'"), 0);
    out = shell_out();
    cr_assert_eq(atoi(out), stacks, "%s", out);
    free(out);
    writer_free(&log.writer);
}

Test(tool_report, json_has_the_totals_and_every_function)
{
    struct run_log log;

    if (shell("python3 --version") != 0)
        cr_skip_test("python3 is not installed");
    log_make(&log, AMD64, "");
    whole_log(&log);
    put_log(&log);
    cr_assert_eq(shell("$weft report --json --elf image --out out serial > x.json && "
                       "python3 -c 'import json; x = json.load(open(\"x.json\")); "
                       "print(x[\"complete\"], x[\"ticks\"], x[\"lost_atomic64\"], "
                       "sum(f[\"flat\"] for f in x[\"functions\"]), x[\"functions\"][0])'"),
                 0, "%s", shell_err());
    cr_assert_str_eq(shell_out(), "True 100 9 90 "
                                  "{'function': 'innermost', 'flat': 47, 'cumulative': 47}\n");
    writer_free(&log.writer);
}

Test(tool_report, standard_input_is_a_log_too)
{
    struct run_log log;

    log_make(&log, AMD64, "");
    whole_log(&log);
    put_log(&log);
    cr_assert_eq(shell("cat serial | $weft report --elf image --out out -"), 0, "%s", shell_err());
    cr_assert(has_file("out/cpu.pb.gz"));
    writer_free(&log.writer);
}

Test(tool_report, the_flame_graph_is_well_formed_and_complete)
{
    struct run_log log;
    struct buffer svg = {0};

    if (shell("python3 --version") != 0)
        cr_skip_test("python3 is not installed");
    log_make(&log, AMD64, "");
    whole_log(&log);
    cr_assert_eq(report(&log), 0);
    cr_assert_eq(shell("python3 -c 'import xml.dom.minidom, sys; "
                       "d = xml.dom.minidom.parse(\"out/flame.svg\"); "
                       "g = [x for x in d.getElementsByTagName(\"g\")]; "
                       "print(len(g), len(d.getElementsByTagName(\"title\")), "
                       "len(d.getElementsByTagName(\"script\")))'"),
                 0, "%s", shell_err());
    cr_assert_str_eq(shell_out(), "17 18 1\n", "%s", shell_out());
    cr_assert(get_file("out/flame.svg", &svg));
    expect_line(buffer_text(&svg), "<title>innermost: 45 ticks, 50.00% (itself 45)</title>");
    cr_assert_null(strstr(buffer_text(&svg), "http://") != NULL &&
                           strstr(buffer_text(&svg), "src=") != NULL
                       ? "external"
                       : NULL);
    buffer_free(&svg);
    writer_free(&log.writer);
}

Test(tool_report, names_cannot_break_the_flame_graph)
{
    struct buffer svg = {0};

    flame_escape(&svg, "a<b>&\"c\"\x01\xff]]>");
    cr_assert_str_eq(svg.data, "a&lt;b&gt;&amp;&quot;c&quot;??]]&gt;");
    buffer_free(&svg);
}

Test(tool_report, the_same_log_gives_the_same_bytes)
{
    struct run_log log;

    log_make(&log, AMD64, "");
    whole_log(&log);
    cr_assert_eq(report(&log), 0);
    cr_assert_eq(shell("cp -r out first && $weft report --elf image --out out serial && "
                       "diff -r first out"),
                 0);
    writer_free(&log.writer);
}
