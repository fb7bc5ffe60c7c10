/* SPDX-License-Identifier: MIT */
#include "text.h"

/* Long enough for several blocks of the pipeline, so that every worker gets some. */
#define STANZA                                                                                     \
    "A loom holds two sets of threads. The warp is strung first, end to end and side by side,\n"   \
    "and kept tight; the weft is one long thread that crosses it, over and under, row by row.\n"   \
    "What the weaver sees is neither of the two but the cloth, and yet a single weft thread\n"     \
    "that is dropped, doubled or carried one end too far shows in every row that follows.\n"       \
    "\n"                                                                                           \
    "The shuttle carries the weft from hand to hand. It must not stop halfway: the shed, the\n"    \
    "opening between the raised ends and the others, is closed as soon as the row is beaten.\n"    \
    "A weaver who is called away finishes the row, marks the place, and can then leave it for\n"   \
    "as long as need be; the cloth remembers. Whoever comes back finds the pattern where it\n"     \
    "was, takes the shuttle, and goes on as if nothing had happened.\n"                            \
    "\n"                                                                                           \
    "Several weavers at one loom must agree on who throws and who waits. Two shuttles in one\n"    \
    "shed collide. So they take turns by the pattern's count, or pass a token, or listen to\n"     \
    "the beat; and the best of them waste neither a row nor a breath in doing it.\n"               \
    "\n"

const char demo_text[] = STANZA STANZA STANZA STANZA STANZA STANZA STANZA STANZA STANZA STANZA
    STANZA STANZA STANZA STANZA;
const size_t demo_text_bytes = sizeof demo_text - 1;
