/* SPDX-License-Identifier: MIT */
/*
 * The compact unwind table: what its maker makes of images with every kind of rule, read back as
 * the target does, for each of the three kinds of image; that the check of the link step sees each
 * wrong byte; that no damage makes a lookup read outside of the table. (That the tables of real
 * images are right, newlib included, the link step checks at each link, pc by pc;
 * tests/board/image-is-sound says that it did.)
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "prof/unwind_format.h"
#include "prof_check.h"
#include "tools/unwind/check.h"
#include "tools/unwind/table.h"

/* The maker is a short program, which leaves freeing to its end. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "detect_leaks=0";
}

static char directory[] = "/tmp/weft-unwind-table-XXXXXX";

/* Functions in C, then one for each rule that C code has not. */
static const char program_c[] =
    "int call(volatile char *p, ...) { return p != 0; }\n"
    "int big(int n) { volatile char a[48000]; a[n] = 1; return call(a, n) + a[n + 1]; }\n"
    "int dynamic(int n) { volatile char *a = __builtin_alloca(n); return call(a, n) + a[0]; }\n"
    "int many(int a, int b, int c, int d) { int e = call(0, a), f = call(0, b), g = call(0, c),\n"
    "  h = call(0, d), i = call(0, e); if (a) { call(0, f); return g; } return e + f + g + h + i; "
    "}\n"
    "void _start(void) { many(big(1), dynamic(2), 3, 4); for (;;) call(0); }\n";
static const char program_s[] =
    ".section .note.GNU-stack, \"\"\n"
    ".text\n"
    "hand: .cfi_startproc\n .fill 16, 1, 0\n .cfi_undefined RA\n .fill 16, 1, 0\n"
    " .cfi_register RA, 5\n .fill 16, 1, 0\n .cfi_endproc\n"
    ".fill 64, 1, 0\n" /* nobody's */
    "signal: .cfi_startproc\n .cfi_signal_frame\n .fill 8, 1, 0\n .cfi_offset RA, -40\n"
    " .cfi_offset 4, -80\n .cfi_offset 3, -120\n .fill 8, 1, 0\n .cfi_val_offset 3, -16\n"
    " .fill 2000, 1, 0\n .cfi_endproc\n"
    "expressions: .cfi_startproc\n .cfi_escape 0x0f, 5, 0x77, 8, 0x06, 0x23, 16\n .fill 16, 1, 0\n"
    " .cfi_escape 0x10, 3, 3, 0x48, 0x1c, 0x96\n .fill 16, 1, 0\n .cfi_endproc\n"
    "far: .cfi_startproc\n .cfi_def_cfa_offset 65536\n .fill 16, 1, 0\n .cfi_endproc\n"
    /* These two are the interpreter's. */
    "odd: .cfi_startproc\n .cfi_def_cfa_offset 6\n .fill 16, 1, 0\n .cfi_endproc\n"
    "column: .cfi_startproc\n .cfi_return_column 3\n .fill 16, 1, 0\n .cfi_endproc\n";
#define LEFT_BYTES 32

struct kind {
    const char *compiler, *flags, *return_column;
};
static const struct kind amd64 = {"gcc", "-fcf-protection=none -no-pie", "16"};
static const struct kind mips = {"mips-linux-gnu-gcc", "-march=mips32r2 -mno-abicalls -G0", "31"};
static const struct kind mipsel = {"mipsel-linux-gnu-gcc", "-march=mips32r2 -mno-abicalls -G0",
                                   "31"};

static void write_file(const char *name, const char *text)
{
    char path[64];

    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *file = fopen(path, "w");

    cr_assert(file != NULL && fputs(text, file) >= 0 && fclose(file) == 0);
}

/* The image with its table beside it, as if it had been linked in. */
static void image_make(struct image *image, struct table *table, const struct kind *kind,
                       const char *options)
{
    char command[1024];
    static char path[64];

    snprintf(command, sizeof command, "command -v %s >/dev/null", kind->compiler);
    if (system(command) != 0)
        cr_skip_test("no cross compiler");
    cr_assert(mkdtemp(directory) != NULL);
    write_file("program.c", program_c);
    write_file("hand.S", program_s);
    snprintf(path, sizeof path, "%s/image", directory);
    snprintf(command, sizeof command,
             "cd %s && %s %s %s -DRA=%s -ffreestanding -fno-stack-protector -fno-pic "
             "-fasynchronous-unwind-tables "
             "-nostdlib -static -Wl,--build-id=none,--entry=_start -o image program.c hand.S 2>&1",
             directory, kind->compiler, kind->flags, options, kind->return_column);
    cr_assert(system(command) == 0, "%s", command);
    image_open(image, path);
    table_make(table, image);
    image->table = (struct rows_section){table->bytes, table->size, 0};
    snprintf(command, sizeof command, "rm -r %s", directory);
    cr_assert(system(command) == 0);
}

static void check_kind(const struct kind *kind, const char *options)
{
    struct image image;
    struct table table, again;
    unsigned unit;

    image_make(&image, &table, kind, options);
    unit = 1u << image.reader->unit_shift;
    struct check check = check_rows(&image);

    cr_assert(check.wrong == NULL, "%lx: %s", (long)check.wrong_pc, check.wrong);
    cr_assert(check.pcs > 2000 / unit);
    /* `far` fits where words have 8 bytes. */
    cr_assert(check.left * unit == LEFT_BYTES || check.left * unit == LEFT_BYTES + 16, "%ld",
              (long)check.left);
    table_make(&again, &image);
    cr_assert(again.size == table.size && memcmp(again.bytes, table.bytes, table.size) == 0,
              "two tables of one image");
}

Test(unwind_table, says_what_the_frame_information_says_amd64)
{
    check_kind(&amd64, "-O2");
}

Test(unwind_table, says_what_the_frame_information_says_mips)
{
    check_kind(&mips, "-O2");
}

Test(unwind_table, says_what_the_frame_information_says_mipsel)
{
    check_kind(&mipsel, "-Os");
}

/* ---- damage ---- */

struct answer {
    enum rows_answer answer;
    struct rows_rule rule;
    uint64_t start, end;
};

static bool same_answers(const struct image *image, const struct answer *right, size_t count)
{
    uint64_t first = image->functions[0].start;

    for (size_t i = 0; i < count; i++) {
        struct answer now = {0};

        now.answer =
            image->reader->lookup(&image->table, first + i, &now.rule, &now.start, &now.end);
        if (now.answer != right[i].answer ||
            memcmp(&now.rule, &right[i].rule, sizeof now.rule) != 0)

            return false;
    }
    return true;
}

static struct answer *all_answers(const struct image *image, size_t *count)
{
    uint64_t first = image->functions[0].start;

    *count = (size_t)(image->functions[image->function_count - 1].end - first);
    struct answer *answers = calloc(*count, sizeof *answers);

    for (size_t i = 0; i < *count; i++)
        answers[i].answer = image->reader->lookup(&image->table, first + i, &answers[i].rule,
                                                  &answers[i].start, &answers[i].end);
    return answers;
}

/* Bytes flipped one by one: a rule that is another (or none) is seen by the check (a row may be
 * shorter and right). The table is in memory of exactly its size, for AddressSanitizer. */
Test(unwind_table, check_sees_each_wrong_byte, .timeout = 60)
{
    struct image image;
    struct table table;
    size_t count;
    unsigned seen = 0;

    image_make(&image, &table, &amd64, "-O2");
    struct answer *right = all_answers(&image, &count);
    uint64_t left = check_rows(&image).left;
    unsigned char *bytes = malloc(table.size);

    memcpy(bytes, table.bytes, table.size);
    image.table.bytes = bytes;
    for (size_t at = 0; at < table.size; at++) {
        bytes[at] ^= 1u << at % 8;
        struct check check = check_rows(&image);
        bool good = check.wrong == NULL && check.left == left;

        CHECK(!good || same_answers(&image, right, count), "byte %zu", at);
        seen += !good;
        bytes[at] ^= 1u << at % 8;
    }
    /* Not in use: the two fixed rules, and upper bits of numbers that lookups mask. */
    cr_assert(seen * 3 > table.size * 2, "%u of %zu", seen, table.size);
    free(bytes);
    free(right);
}

/* Cut at each length, and full of nonsense: no answer matters, but lookups end and stay inside. */
static void look_everywhere(struct image *image, const unsigned char *from, size_t size)
{
    unsigned char *bytes = malloc(size == 0 ? 1 : size);
    uint64_t first = image->functions[0].start,
             last = image->functions[image->function_count - 1].end;

    memcpy(bytes, from, size);
    image->table = (struct rows_section){bytes, size, 0};
    for (uint64_t pc = first; pc < last + 8; pc += 61) {
        struct rows_rule rule;
        uint64_t start = 0, end = 0;

        if (image->reader->lookup(&image->table, pc, &rule, &start, &end) == ROWS_ROW)
            CHECK(start <= pc && pc < end && rule.cfa_register < ROWS_REGISTERS);
    }
    free(bytes);
}

Test(unwind_table, no_damage_makes_a_lookup_read_outside, .timeout = 60)
{
    struct image image;
    struct table table;
    unsigned seed = 1;

    image_make(&image, &table, &amd64, "-O2");
    for (size_t size = 0; size < table.size; size++)
        look_everywhere(&image, table.bytes, size);
    for (unsigned round = 0; round < 2000; round++) {
        unsigned char *bytes = malloc(table.size);

        memcpy(bytes, table.bytes, table.size);
        for (unsigned i = 0; i < 1 + round % 16; i++) {
            seed = seed * 1103515245 + 12345;
            bytes[(seed >> 8) % table.size] = (unsigned char)(seed >> 24);
        }
        look_everywhere(&image, bytes, table.size);
        free(bytes);
    }
}
