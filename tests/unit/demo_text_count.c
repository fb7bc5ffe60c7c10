/* SPDX-License-Identifier: MIT */
/*
 * Lines, words and bytes of the demo against the real `LC_ALL=C wc`, with the text cut at every
 * position. The expected numbers are never ours: wc counts every case, many cases in one call.
 */
#include <criterion/criterion.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../examples/demo/text_count.h"

struct wc_case {
    unsigned char *text;
    size_t bytes;
    size_t lines_wc, words_wc, bytes_wc;
};

static struct wc_case cases[2000];
static size_t case_count;

static void case_add(const unsigned char *text, size_t bytes)
{
    cr_assert(case_count < sizeof cases / sizeof cases[0]);
    struct wc_case *added = &cases[case_count++];
    added->text = malloc(bytes + 1);
    added->bytes = bytes;
    memcpy(added->text, text, bytes);
}

static void case_path(char *path, size_t size, const char *folder, size_t i)
{
    snprintf(path, size, "%s/%zu", folder, i);
}

static void cases_write(const char *folder)
{
    char path[100];
    snprintf(path, sizeof path, "%s/names", folder);
    FILE *names = fopen(path, "wb");
    for (size_t i = 0; i < case_count; i++) {
        case_path(path, sizeof path, folder, i);
        fwrite(path, 1, strlen(path) + 1, names);
        FILE *out = fopen(path, "wb");
        cr_assert_eq(fwrite(cases[i].text, 1, cases[i].bytes, out), cases[i].bytes);
        fclose(out);
    }
    fclose(names);
}

static void cases_ask_wc(const char *folder)
{
    char command[200];
    snprintf(command, sizeof command, "LC_ALL=C wc -lwc --files0-from=%s/names", folder);
    FILE *in = popen(command, "r");
    cr_assert_not_null(in);
    for (size_t i = 0; i < case_count; i++)
        cr_assert_eq(fscanf(in, "%zu %zu %zu %*s", &cases[i].lines_wc, &cases[i].words_wc,
                            &cases[i].bytes_wc),
                     3);
    while (fgetc(in) != EOF) /* the total; a closed pipe would make wc complain */
        ;
    cr_assert_eq(pclose(in), 0);
}

static void cases_remove(const char *folder)
{
    char path[100];
    for (size_t i = 0; i < case_count; i++) {
        case_path(path, sizeof path, folder, i);
        remove(path);
        free(cases[i].text);
    }
    snprintf(path, sizeof path, "%s/names", folder);
    remove(path);
    rmdir(folder);
}

static void expect_equal(const struct wc_case *wc, struct text_count count, size_t i, size_t j)
{
    cr_assert_eq(count.lines, wc->lines_wc, "lines, cut at %zu and %zu", i, j);
    cr_assert_eq(count.words, wc->words_wc, "words %zu, wc %zu, cut at %zu and %zu of \"%.*s\"",
                 count.words, wc->words_wc, i, j, (int)wc->bytes, (const char *)wc->text);
    cr_assert_eq(count.bytes, wc->bytes_wc, "bytes, cut at %zu and %zu", i, j);
}

/* Both ways to join three pieces; `step` thins the first cut out for long texts. */
static void expect_every_cut(const struct wc_case *wc, size_t step)
{
    for (size_t i = 0; i <= wc->bytes; i += step) {
        struct text_count a = text_count(wc->text, i);
        for (size_t j = i; j <= wc->bytes; j++) {
            struct text_count b = text_count(wc->text + i, j - i);
            struct text_count c = text_count(wc->text + j, wc->bytes - j);
            expect_equal(wc, text_count_join(text_count_join(a, b), c), i, j);
            expect_equal(wc, text_count_join(a, text_count_join(b, c)), i, j);
        }
    }
}

static void cases_check(size_t step)
{
    char folder[] = "/tmp/weft-demo-wc-XXXXXX";
    cr_assert_not_null(mkdtemp(folder));
    cases_write(folder);
    cases_ask_wc(folder);
    for (size_t i = 0; i < case_count; i++)
        expect_every_cut(&cases[i], step);
    cases_remove(folder);
}

Test(demo_text_count, every_byte_value_alone_inside_a_word_and_between_blanks)
{
    for (int byte = 0; byte < 256; byte++) {
        unsigned char c = (unsigned char)byte;
        case_add((unsigned char[]){c}, 1);
        case_add((unsigned char[]){'a', c, 'b'}, 3);
        case_add((unsigned char[]){'a', ' ', c, ' ', 'b'}, 5);
        case_add((unsigned char[]){c, 'a', '\n', c}, 4);
    }
    cases_check(1);
}

Test(demo_text_count, every_text_of_up_to_four_bytes_over_all_kinds)
{
    static const unsigned char kinds[] = {'x', ' ', '\n', '\0', 0xc3};
    case_add(kinds, 0);
    for (size_t length = 1, texts = 5; length <= 4; length++, texts *= 5) {
        for (size_t number = 0; number < texts; number++) {
            unsigned char text[4];
            for (size_t i = 0, rest = number; i < length; i++, rest /= 5)
                text[i] = kinds[rest % 5];
            case_add(text, length);
        }
    }
    cases_check(1);
}

Test(demo_text_count, random_texts_of_odd_bytes_cut_at_every_pair_of_positions)
{
    static const char alphabet[] = "ab.\t\n\v\f\r  \0\x01\x1b\x7f\x80\xa0\xff";
    uint32_t state = 7;
    for (int n = 0; n < 300; n++) {
        unsigned char text[60];
        size_t bytes = (size_t)(n % 60);
        for (size_t i = 0; i < bytes; i++) {
            state = state * 1664525u + 1013904223u;
            text[i] = n % 3 == 0 ? (unsigned char)(state >> 24)
                                 : (unsigned char)alphabet[(state >> 16) % (sizeof alphabet - 1)];
        }
        case_add(text, bytes);
    }
    cases_check(1);
}

Test(demo_text_count, a_long_utf8_text_without_a_final_newline)
{
    static const char sentence[] = "  Gr\xc3\xbc\xc3\x9f"
                                   "e aus K\xc3\xb6ln \xe2\x80\x94 na\xc3\xafve,\r\n"
                                   "\tcaf\xc3\xa9\x00s \xe2\x80\x93 and\fthe\vrest \xc2\xa0 end";
    unsigned char text[3000];
    size_t bytes = 0;
    while (bytes + sizeof sentence - 1 <= sizeof text) {
        memcpy(text + bytes, sentence, sizeof sentence - 1);
        bytes += sizeof sentence - 1;
    }
    case_add(text, bytes);
    cases_check(997);
}

Test(demo_text_count, the_empty_count_changes_nothing_on_either_side)
{
    static const unsigned char text[] = "one two";
    struct text_count none = {0}, some = text_count(text, 7);
    struct text_count left = text_count_join(none, some), right = text_count_join(some, none);
    cr_expect_eq(left.words, 2);
    cr_expect(left.begins_in_word && left.ends_in_word && left.decided);
    cr_expect_eq(right.words, 2);
    cr_expect(right.begins_in_word && right.ends_in_word && right.decided);
}
