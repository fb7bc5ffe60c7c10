/* SPDX-License-Identifier: MIT */
/* What every subcommand has in common: help, JSON that parses, and errors that name the file and,
 * inside it, the offset. And threads' stacks out of a log. */
#include <sys/socket.h>
#include <sys/un.h>

#include "tests/unit/tool_log.h"
#include "tests/unit/tool_program.h"
#include "tools/weft/symbols.h"
#include "tools/weft/thread_text.h"

static const char dump_text[] = "some output\n"
                                "thread 1 \"old\" [ready]:\nfunction_of_old\n\tfile.c:1 +0x4\n\n"
                                "break: stacks of all threads\n\n"
                                "thread 1 \"main\" [running]:\n"
                                "outer\n\tdir/program.c:13 +0x10\n"
                                "__start\n\tdir/program.c:23 +0x8\n"
                                "(unwinding stopped: bounds)\n\n"
                                "text of the program between\n"
                                "thread 7 \"a \\ \"b\"\" [queue receive, 3 ms]:\n"
                                "pc=0x12345678\n"
                                "created by outer\n\tdir/program.c:14 +0x20\n\n";

/* A whole log of one core that was idle for 5 ticks, the dump above among it. */
static void put_serial(void)
{
    struct buffer error = {0};
    char path[200];
    struct symbols *symbols;
    const struct image *image;
    const struct log_sample idle = {0, CONTEXT_IDLE, REASON_FULL, 0, 5, 0, 0, 0};
    const struct log_end end = {5, 5, 0, 0, 0, 0, 0, 0, 0, 5000000};
    struct log_writer writer = {0};

    snprintf(path, sizeof path, "%s/image", scratch);
    symbols = symbols_open(path, &error);
    cr_assert_not_null(symbols, "%s", buffer_text(&error));
    image = symbols_image(symbols);
    writer.big_endian = image->big_endian;
    writer.word_bytes = image->word_bytes;
    buffer_string(&writer.stream, dump_text);
    writer_header(&writer, 0, 1, 1000000, image->build_id, image->build_id_bytes);
    writer_sample(&writer, 0, &idle, NULL);
    writer_end(&writer, 0, &end);
    put_file("serial", writer.stream.data, writer.stream.length);
    put_file("cut", writer.stream.data, writer.stream.length - 10);
    writer_free(&writer);
    symbols_close(symbols);
}

static void prepare(void)
{
    scratch_make();
    compile_image(AMD64, "");
    put_serial();
    put_file("text", "panic at pc=0x400000\nplain \"text\" \\ \t\n", 38);
    put_file("noise", "\xfe\xff\x80\0\xfd", 5);
}

TestSuite(tool_commands, .init = prepare, .fini = scratch_remove, .timeout = 60);

static void expect(const char *text, const char *part)
{
    cr_expect_not_null(strstr(text, part), "\"%s\" is not in: %s", part, text);
}

static const char *const names[] = {"run",  "report", "symbolize", "profile",
                                    "dump", "flash",  "heap"};
enum { COMMANDS = sizeof names / sizeof names[0] };

Test(tool_commands, each_has_help_and_refuses_nonsense)
{
    cr_assert_eq(shell("$weft --help"), 0);
    for (size_t i = 0; i < COMMANDS; i++) {
        cr_expect_eq(shell("$weft --help | grep -q '^ *%s  *[a-z]'", names[i]), 0, "%s", names[i]);
        cr_expect_eq(shell("$weft %s --help", names[i]), 0, "%s", names[i]);
        expect(shell_out(), "Usage: weft ");
        expect(shell_out(), "--json");
        cr_expect_eq(shell("$weft %s --no-such-option", names[i]), 64, "%s", names[i]);
        cr_expect_eq(shell("$weft %s", names[i]), 64, "%s", names[i]);
        expect(shell_err(), names[i]);
    }
}

/* A file that is missing, a directory, and one that is cut off: the exit code, and what is said. */
Test(tool_commands, each_names_the_file_and_the_offset)
{
    static const struct {
        const char *command;
        int status;
        const char *says;
    } cases[] = {
        {"run --elf missing --out out -- true", 66, "weft: missing: No such file"},
        {"run --elf text --out out -- true", 66, "weft: text: "},
        {"run --elf image --out out -- cat cut", 65, " at offset "},
        {"report --elf image --out out missing", 66, "weft: missing: No such file"},
        {"report --elf image --out out .", 66, "weft: .: Is a directory"},
        {"report --elf image --out out cut", 65, " at offset "},
        {"report --elf image --out out noise", 65, "weft: noise: "},
        {"report --elf image --out out --memory text", 65, "no sample log of image in it"},
        {"symbolize --elf missing text", 66, "weft: missing: No such file"},
        {"symbolize --elf image missing", 66, "weft: missing: No such file"},
        {"symbolize --elf image .", 66, "weft: .: Is a directory at offset 0"},
        {"profile --elf missing --out out serial", 66, "weft: missing: No such file"},
        {"profile --elf image --out out missing", 66, "weft: missing: No such file"},
        {"profile --elf image --out out .", 66, "weft: .: Is a directory"},
        {"profile --elf image --out out cut", 65, " at offset "},
        {"profile --elf image --out out tcp:nowhere", 66, "weft: tcp:nowhere: tcp:HOST:PORT is "},
        {"profile --elf image --out out /dev/null", 66, "weft: /dev/null: neither a serial "},
        {"profile --elf image --out out --rate 9 serial", 64, "--rate is 10 to 20000"},
        {"profile --elf image --out out --what all serial", 64, "not one of cpu, wall, "},
        {"profile --elf image --out out --seconds 0 serial", 64, "0: not a positive number"},
        {"profile --elf image --out text serial", 74, "weft: text: not a directory"},
        {"dump --elf missing serial", 66, "weft: missing: No such file"},
        {"dump --elf image missing", 66, "weft: missing: No such file"},
        {"dump --elf image text", 65, "weft: text: there are no stacks in it (38 bytes)"},
        {"dump --elf image --break sideways serial", 64, "sideways is none of line, "},
        {"dump --elf image --break pid:1 serial", 64, "serial: a file can't be asked"},
        {"dump --elf image --timeout inf serial", 64, "inf: not a positive number"},
        {"dump --elf image --baud -5 serial", 64, "-5: not a positive number"},
        {"dump --elf /bin/ls serial", 65, "weft: serial: /bin/ls is not the image that ran"},
        {"flash --elf missing --start text --out out", 66, "weft: missing: No such file"},
        {"flash --elf image --start missing --out out", 65, "weft: image"},
        {"heap missing", 66, "weft: missing: No such file"},
        {"heap .", 66, "weft: .: Is a directory"},
        {"heap cut", 65, "weft: cut: "},
        {"heap --top -3 cut", 64, "-3: not a number"},
        {"heap --elf missing cut", 66, "weft: missing: No such file"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int status = shell("$weft %s", cases[i].command);

        cr_expect_eq(status, cases[i].status, "weft %s: %d, %s", cases[i].command, status,
                     shell_err());
        expect(shell_err(), cases[i].says);
    }
}

Test(tool_commands, each_ones_json_parses)
{
    static const char *const commands[] = {
        "run --elf image --out out --json -- cat serial",
        "report --elf image --out out --json serial",
        "profile --elf image --out out --json serial",
        "dump --elf image --json serial",
    };

    if (shell("command -v python3") != 0)
        cr_skip_test("python3 is not installed");
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        cr_expect_eq(shell("$weft %s >json 2>/dev/null && python3 -m json.tool json", commands[i]),
                     0, "weft %s: %s", commands[i], shell_err());
    /* An object for each line. */
    cr_expect_eq(shell("$weft symbolize --elf image --json text | while read -r line; do printf "
                       "'%%s' \"$line\" | python3 -m json.tool || exit 1; done"),
                 0, "%s", shell_err());
}

Test(tool_commands, profile_of_a_log_is_what_report_makes)
{
    cr_assert_eq(shell("$weft profile --elf image --out one serial"), 0, "%s", shell_err());
    expect(shell_out(), "profile: ticks=5 recorded=5 ");
    cr_assert_eq(shell("$weft report --elf image --out two serial"), 0, "%s", shell_err());
    cr_expect_eq(
        shell("cmp one/folded.txt two/folded.txt && cmp one/flame.svg two/flame.svg && cmp "
              "one/console.log two/console.log && cmp one/serial.raw serial"),
        0);
    cr_expect_eq(shell("$weft profile --elf image --out one - <serial && ls one/cpu.pb.gz"), 0);
    /* What does not add up leaves nothing. */
    cr_expect_eq(shell("$weft profile --elf image --out one cut"), 65);
    cr_expect_neq(shell("ls one/cpu.pb.gz"), 0);
}

Test(tool_commands, dump_reads_the_last_stacks_out_of_a_log)
{
    char sentence[100];
    size_t cut;

    cr_assert_eq(shell("$weft dump --elf image serial"), 0, "%s", shell_err());
    expect(shell_out(), "thread 1 \"main\" [running]:\nouter\n\tdir/program.c:13 +0x10\n");
    expect(shell_out(), "\n(unwinding stopped: bounds)\n\nthread 7 ");
    cr_expect_null(strstr(shell_out(), "old"), "of an earlier dump");
    cr_expect_null(strstr(shell_out(), "between"), "not a stack");
    cr_assert_eq(shell("$weft dump --elf image --json serial"), 0);
    expect(shell_out(), "{\"complete\": true, \"threads\": [");
    expect(shell_out(), "{\"id\": 1, \"name\": \"main\", \"state\": \"running\", \"frames\": "
                        "[{\"function\": \"outer\", \"file\": \"dir/program.c\", \"line\": 13, "
                        "\"offset\": 16}, {\"function\": \"__start\", ");
    expect(shell_out(),
           "\"name\": \"a \\\\ \\\"b\\\"\", \"state\": \"queue receive, 3 ms\", \"frames\": "
           "[{\"pc\": \"0x12345678\"}], \"created_by\": {\"function\": \"outer\", ");
    cut = (size_t)(strstr(dump_text, "created by") - dump_text);
    cr_expect_eq(shell("head -c %zu serial >part; $weft dump --elf image --json part", cut), 65);
    snprintf(sentence, sizeof sentence,
             "weft: part: the stack of the last thread is cut off at offset %zu\n", cut);
    expect(shell_err(), sentence);
    expect(shell_out(), "{\"complete\": false, ");
}

/* Every cut of the text gives JSON whose brackets are closed, in any pieces. */
Test(tool_commands, stacks_that_are_cut_off_still_are_json)
{
    for (size_t length = 0; length < sizeof dump_text; length++) {
        struct thread_text text = {0};
        int depth = 0;
        bool in_string = false;

        for (size_t at = 0; at < length; at += 7)
            thread_text_feed(&text, dump_text + at, length - at < 7 ? length - at : 7);
        thread_text_finish(&text);
        for (const char *at = buffer_text(&text.json); *at != '\0'; at++) {
            if (in_string && *at == '\\')
                at++;
            else if (*at == '"')
                in_string = !in_string;
            else if (!in_string)
                depth += (*at == '{' || *at == '[') - (*at == '}' || *at == ']');
        }
        if (depth != 0 || in_string)
            cr_assert_fail("%zu: %s", length, buffer_text(&text.json));
        thread_text_free(&text);
    }
}

/* A socket that takes the request and says nothing, or is closed. */
Test(tool_commands, a_silent_target_and_one_that_goes_away)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int listener = socket(AF_UNIX, SOCK_STREAM, 0), status;
    pid_t closer;

    snprintf(address.sun_path, sizeof address.sun_path, "%s/socket", scratch);
    cr_assert(bind(listener, (struct sockaddr *)&address, sizeof address) == 0 &&
              listen(listener, 4) == 0);
    cr_expect_eq(shell("$weft profile --elf image --out out socket"), 69);
    expect(shell_err(), "weft: socket: no answer in 3 s: has the program called weft_remote_start");
    cr_expect_eq(shell("$weft dump --timeout 0.3 --elf image socket"), 69);
    expect(shell_err(),
           "weft: socket: no stacks came before the timeout at offset 0: has the program called "
           "weft_remote_start");
    cr_expect_eq(shell("script -qec \"$weft dump --timeout 0.3 --elf image socket\" typescript"),
                 69);
    cr_expect_eq(
        shell("grep -q 'weft: socket: waiting for the stacks, 0 threads so far' typescript"), 0,
        "no progress on a terminal");
    closer = fork();
    if (closer == 0) {
        for (int i = 0; i < 4; i++) /* the three above wait in the queue */
            close(accept(listener, NULL, NULL));
        _exit(0);
    }
    cr_expect_eq(shell("$weft profile --elf image --out out socket"), 69);
    waitpid(closer, &status, 0);
    cr_expect_eq(shell("test -e out/serial.raw"), 1, "nothing is left");
    close(listener);
}
