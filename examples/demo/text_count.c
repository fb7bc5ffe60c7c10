/* SPDX-License-Identifier: MIT */
/*
 * Counting as `wc` of GNU coreutils 9.1 (Debian 12) does in the C locale.
 *
 * There are three kinds of bytes, not two:
 *
 *   separators   space, tab, newline, vertical tab, form feed, carriage return: they end a word;
 *   printable    0x21 to 0x7e: they begin a word, or continue it;
 *   neutral      all others (NUL, control characters, DEL, 0x80 and above): they neither begin a
 *                word nor end one. "a\0b" is one word, "a \0 b" is two, "\0" is none.
 *
 * So a piece made of neutral bytes only leaves the question "are we inside a word?" undecided: the
 * answer is that of the piece before. text_count_join() carries it over. A word that straddles a
 * border was counted by both sides, once too often, exactly if the left piece ends in a word and
 * the first byte of the right piece that is not neutral continues it.
 */
#include "text_count.h"

enum text_kind { TEXT_NEUTRAL, TEXT_SEPARATOR, TEXT_PRINTABLE };

static inline enum text_kind text_kind_of(unsigned char byte)
{
    if (byte > 0x20 && byte < 0x7f)
        return TEXT_PRINTABLE;
    if (byte == ' ' || (byte >= '\t' && byte <= '\r'))
        return TEXT_SEPARATOR;
    return TEXT_NEUTRAL;
}

static inline void text_count_byte(struct text_count *count, unsigned char byte)
{
    enum text_kind kind = text_kind_of(byte);
    if (kind == TEXT_NEUTRAL)
        return;
    bool printable = kind == TEXT_PRINTABLE;
    if (!count->decided)
        count->begins_in_word = printable;
    count->decided = true;
    count->lines += byte == '\n';
    count->words += printable && !count->ends_in_word;
    count->ends_in_word = printable;
}

struct text_count text_count(const unsigned char *text, size_t bytes)
{
    struct text_count count = {.bytes = bytes};
    for (size_t i = 0; i < bytes; i++)
        text_count_byte(&count, text[i]);
    return count;
}

struct text_count text_count_join(struct text_count left, struct text_count right)
{
    bool straddles = left.ends_in_word && right.begins_in_word;
    return (struct text_count){
        .lines = left.lines + right.lines,
        .words = left.words + right.words - straddles,
        .bytes = left.bytes + right.bytes,
        .decided = left.decided || right.decided,
        .begins_in_word = left.decided ? left.begins_in_word : right.begins_in_word,
        .ends_in_word = right.decided ? right.ends_in_word : left.ends_in_word,
    };
}
