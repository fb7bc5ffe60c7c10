/* SPDX-License-Identifier: MIT */
/* From addresses to functions and lines, in real ELF files, and what the symbolizer makes of a
 * text. */
#include "tests/unit/tool_program.h"
#include "tools/weft/source_path.h"
#include "tools/weft/symbolizer.h"

TestSuite(tool_symbols, .init = scratch_make, .fini = scratch_remove);

static struct symbols *open_image(void)
{
    struct buffer error = {0};
    struct symbols *symbols;
    char path[128];

    snprintf(path, sizeof path, "%s/image", scratch);
    symbols = symbols_open(path, &error);
    cr_assert_not_null(symbols, "%s", buffer_text(&error));
    return symbols;
}

static uint64_t address_of(struct symbols *symbols, const char *name)
{
    const struct image *image = symbols_image(symbols);

    for (size_t i = 0; i < image->function_count; i++)
        if (strcmp(image->functions[i].name, name) == 0)
            return image->functions[i].start;
    cr_assert_fail("%s is not in the symbol table", name);
    return 0;
}

static void expect_frame(const struct frame *frame, const char *function, unsigned line)
{
    cr_assert_str_eq(frame->function, function);
    cr_assert_str_eq(frame->file, "program.c");
    cr_assert_eq(frame->line, line, "%s: line %u, not %u", function, frame->line, line);
}

/* Finds the store of line 4 and checks every level around it. */
static void expect_inlining(struct symbols *symbols)
{
    uint64_t start = address_of(symbols, "outer");
    const struct image_function *outer = image_function_at(symbols_image(symbols), start);
    unsigned found = 0;

    for (uint64_t pc = start; pc < outer->limit; pc++) {
        const struct location *location = symbols_find(symbols, pc);

        cr_assert(location->is_known);
        cr_assert_eq(location->offset, pc - start);
        cr_assert_str_eq(location->frames[location->count - 1].function, "outer");
        if (location->count < 3 || location->frames[0].line != 4)
            continue;
        found++;
        cr_assert_eq(location->count, 3);
        expect_frame(&location->frames[0], "innermost", 4);
        expect_frame(&location->frames[1], "middle", 9);
        expect_frame(&location->frames[2], "outer", 13);
        cr_assert(location->frames[0].is_inlined && location->frames[1].is_inlined);
        cr_assert(!location->frames[2].is_inlined);
        cr_assert_eq(location->frames[0].start_line, 2);
    }
    cr_assert_gt(found, 0, "no address of the store in innermost()");
}

static void check_image(const char *compiler, const char *flags, bool big_endian,
                        uint32_t word_bytes)
{
    const struct location *location;
    struct symbols *symbols;

    compile_image(compiler, flags);
    symbols = open_image();
    cr_assert_eq(symbols_image(symbols)->big_endian, big_endian);
    cr_assert_eq(symbols_image(symbols)->word_bytes, word_bytes);
    cr_assert_eq(symbols_image(symbols)->build_id_bytes, 20);
    expect_inlining(symbols);
    location = symbols_find(symbols, address_of(symbols, "no_debug") + 8);
    cr_assert(location->is_known);
    cr_assert_eq(location->offset, 8);
    cr_assert_str_eq(location->frames[0].function, "no_debug", "without DWARF, by symbol");
    location = symbols_find(symbols, 0x12);
    cr_assert(!location->is_known);
    cr_assert_str_eq(location->frames[0].function, "0x12");
    cr_assert_not(symbols_find(symbols, UINT64_MAX)->is_known);
    symbols_close(symbols);
}

Test(tool_symbols, inlined_levels_in_an_amd64_image)
{
    check_image(AMD64, "", false, 8);
}

Test(tool_symbols, inlined_levels_in_a_big_endian_mips_image)
{
    check_image(MIPS, "-Wl,-Ttext=0x80100000", true, 4);
}

Test(tool_symbols, inlined_levels_in_a_little_endian_mips_image)
{
    check_image(MIPSEL, "-Wl,-Ttext=0x80100000", false, 4);
}

Test(tool_symbols, inlined_levels_with_link_time_optimisation)
{
    check_image(AMD64, "-flto", false, 8);
}

Test(tool_symbols, inlined_levels_with_dwarf_4)
{
    check_image(MIPS, "-gdwarf-4", true, 4);
}

Test(tool_symbols, a_sign_extended_mips_address_is_the_address)
{
    struct symbols *symbols;
    uint64_t outer;

    compile_image(MIPS, "-Wl,-Ttext=0x80100000");
    symbols = open_image();
    outer = address_of(symbols, "outer");
    cr_assert_eq(symbols_find(symbols, 0xffffffff00000000u | outer), symbols_find(symbols, outer));
    symbols_close(symbols);
}

Test(tool_symbols, an_image_without_debug_information_has_names)
{
    const struct location *location;
    struct symbols *symbols;

    compile_image(AMD64, "-g0");
    symbols = open_image();
    location = symbols_find(symbols, address_of(symbols, "outer") + 1);
    cr_assert_eq(location->count, 1);
    cr_assert_str_eq(location->frames[0].function, "outer");
    cr_assert_eq(location->frames[0].line, 0);
    symbols_close(symbols);
}

/* Anything may stand in for the ELF; each is one sentence that names the file. */
Test(tool_symbols, what_is_no_elf_is_refused)
{
    struct buffer error = {0};

    put_file("text", "not an ELF", 10);
    cr_assert_null(symbols_open("/nonexistent/elf", &error));
    cr_assert_not_null(strstr(buffer_text(&error), "/nonexistent/elf: "));
    cr_assert_eq(shell("$weft symbolize --elf text"), 66);
    cr_assert_str_eq(shell_err(), "weft: text: not an ELF file\n");
    cr_assert_eq(shell("$weft symbolize --elf ."), 66);
    buffer_free(&error);
}

static void expect_answer_or_refusal(void)
{
    int status = shell("echo pc=0x401000 pc=0x401004 | $weft symbolize --elf cut");

    cr_assert(status == 0 || status == 66, "exit code %d: %s", status, shell_err());
}

/* A truncated or damaged ELF must end in an error or an answer, never in a crash. */
Test(tool_symbols, a_damaged_elf_does_not_crash)
{
    struct buffer elf = {0};

    compile_image(AMD64, "");
    cr_assert(get_file("image", &elf));
    for (size_t length = 0; length < elf.length; length += 1 + elf.length / 60) {
        put_file("cut", elf.data, length);
        expect_answer_or_refusal();
    }
    for (size_t at = 0; at < elf.length; at += 1 + elf.length / 150) {
        elf.data[at] ^= (char)0x81;
        put_file("cut", elf.data, elf.length);
        expect_answer_or_refusal();
        elf.data[at] ^= (char)0x81;
    }
    buffer_free(&elf);
}

static void collect(void *context, const char *text, size_t length)
{
    buffer_append(context, text, length);
}

/* Feeds `text` in pieces of `step` and compares what comes out. */
static void expect_text(struct symbols *symbols, const char *text, const char *expected,
                        size_t step)
{
    struct symbolizer symbolizer;
    struct buffer out = {0};

    symbolizer_init(&symbolizer, symbols, collect, &out);
    for (size_t at = 0, length = strlen(text); at < length; at += step)
        symbolizer_feed(&symbolizer, text + at, length - at < step ? length - at : step);
    symbolizer_flush(&symbolizer);
    cr_assert_str_eq(buffer_text(&out), expected);
    symbolizer_free(&symbolizer);
    buffer_free(&out);
}

/* The address in `outer` where the store of line 4 is. */
static uint64_t store_address(struct symbols *symbols)
{
    uint64_t pc = address_of(symbols, "outer");

    while (symbols_find(symbols, pc)->frames[0].line != 4)
        pc++;
    return pc;
}

Test(tool_symbols, a_dump_of_threads_gets_its_functions)
{
    struct buffer text = {0}, expected = {0};
    struct symbols *symbols;
    unsigned long pc, offset, start;

    compile_image(AMD64, "");
    symbols = open_image();
    pc = store_address(symbols);
    offset = pc - address_of(symbols, "outer");
    start = address_of(symbols, "__start");
    buffer_printf(&text,
                  "thread 18 \"reader\" [queue receive, 3 ms]:\r\n"
                  "pc=0x%lx\r\n  pc=0x%lx \ncreated by pc=0x%lx\n\n"
                  "epc=0x%lx: load\npc=0xdead\npc=0x\npc=0xzz\nprompt> ",
                  pc, start, start, start);
    buffer_printf(&expected,
                  "thread 18 \"reader\" [queue receive, 3 ms]:\n"
                  "innermost\n\tprogram.c:4 +0x%lx\nmiddle\n\tprogram.c:9 +0x%lx\n"
                  "outer\n\tprogram.c:13 +0x%lx\n"
                  "__start\n\tprogram.c:21 +0x0\ncreated by __start\n\tprogram.c:21 +0x0\n\n"
                  "epc=0x%lx (__start program.c:21): load\npc=0xdead\npc=0x\npc=0xzz\nprompt> ",
                  offset, offset, offset, start);
    for (size_t step = 1; step < 40; step++)
        expect_text(symbols, text.data, expected.data, step);
    buffer_free(&text);
    buffer_free(&expected);
    symbols_close(symbols);
}

Test(tool_symbols, lines_appear_as_they_come)
{
    compile_image(AMD64, "");
    cr_assert_eq(shell("mkfifo pipe; $weft symbolize --elf image pipe >live & "
                       "exec 3>pipe; echo first >&3; "
                       "for i in 1 2 3 4 5 6 7 8 9 10; do test -s live && break; sleep 0.1; done; "
                       "cat live; exec 3>&-; wait"),
                 0);
    cr_assert_str_eq(shell_out(), "first\n");
}

Test(tool_symbols, json_gives_every_level)
{
    struct symbols *symbols;

    compile_image(MIPS, "-Wl,-Ttext=0x80100000");
    put_file("text", "a \"pc=0x1\"\nno newline", 21);
    cr_assert_eq(shell("$weft symbolize --json --elf image text"), 0);
    cr_assert_str_eq(shell_out(), "{\"text\": \"a \\\"pc=0x1\\\"\", \"addresses\": "
                                  "[{\"pc\": \"0x1\", \"frames\": []}]}\n"
                                  "{\"text\": \"no newline\", \"addresses\": []}\n");
    symbols = open_image();
    cr_assert_eq(shell("echo pc=0x%lx | $weft symbolize --json --elf image",
                       (unsigned long)address_of(symbols, "outer")),
                 0);
    symbols_close(symbols);
    cr_assert_not_null(strstr(shell_out(), "{\"function\": \"outer\", \"file\": \"program.c\", "
                                           "\"line\": 13, \"offset\": 0}"),
                       "%s", shell_out());
}

static void expect_path(const char *path, const char *directory, const char *expected)
{
    struct buffer shown = {0};

    source_path_shorten(&shown, path, directory);
    cr_assert_str_eq(buffer_text(&shown), expected);
    buffer_free(&shown);
}

Test(tool_symbols, source_paths_are_shown_short)
{
    expect_path("/a/b/c.c", "/a", "b/c.c");
    expect_path("/a/b/c.c", "/a/b/", "c.c");
    expect_path("/ab/c.c", "/a", "/ab/c.c");
    expect_path("/a/x/../y/./z.c", "/a/b", "/a/y/z.c");
    expect_path("./prof/x.c", ".", "prof/x.c");
    expect_path("../../x.c", NULL, "../../x.c");
    expect_path("a/../../x.c", NULL, "../x.c");
    expect_path("/../x.c", "/", "/x.c");
    expect_path("x.c", "/a", "x.c");
    expect_path("", "", "");
}
