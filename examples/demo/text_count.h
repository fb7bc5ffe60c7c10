/* SPDX-License-Identifier: MIT */
/* Lines, words and bytes as `LC_ALL=C wc` counts them, for pieces of a text that are counted apart
 * and joined afterwards. */
#ifndef DEMO_TEXT_COUNT_H
#define DEMO_TEXT_COUNT_H

#include <stdbool.h>
#include <stddef.h>

/* What is known of one piece. All zero is the count of no bytes at all. */
struct text_count {
    size_t lines; /* newline characters */
    size_t words; /* words that begin in this piece, if a separator stood before it */
    size_t bytes;
    bool decided;        /* some byte of the piece begins or ends words; see text_count.c */
    bool begins_in_word; /* the first such byte belongs to a word */
    bool ends_in_word;   /* the last one does */
};

struct text_count text_count(const unsigned char *text, size_t bytes);

/* The count of `left` followed by `right`. Associative; the zero count joined to either side
 * changes nothing. */
struct text_count text_count_join(struct text_count left, struct text_count right);

#endif
