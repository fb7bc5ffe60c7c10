/* SPDX-License-Identifier: MIT */
/* Numbers of registers beyond the 16 general ones, and where a loop keeps what they should hold: a
 * block on its stack, whose start is rsp. */
#ifndef IMAGE_AMD64_H
#define IMAGE_AMD64_H

#define PATTERN_FLAGS 16
#define PATTERN_X87 17 /* to 24 */
#define PATTERN_X87_CONTROL 25
#define PATTERN_X87_STATUS 26
#define PATTERN_MXCSR 27
#define PATTERN_VECTOR 32 /* to 63 */
#define PATTERN_MASK 64   /* to 71 */

#define BLOCK_GENERAL 0 /* 16 of 8 bytes, by the number in instructions; rsp's is not used */
#define BLOCK_FLAGS 128
#define BLOCK_SEEN 136    /* what was found in place of a value */
#define BLOCK_RAX 152     /* while a check needs it */
#define BLOCK_CONTROL 160 /* struct pattern_control * */
#define BLOCK_OLD_FLAGS 168
#define BLOCK_MXCSR 176
#define BLOCK_X87_CONTROL 180
#define BLOCK_X87_STATUS 184
#define BLOCK_OLD_MXCSR 188
#define BLOCK_OLD_X87_CONTROL 192
#define BLOCK_X87 208          /* 8 of 16 bytes */
#define BLOCK_VECTOR 384       /* 32 of 64 */
#define BLOCK_MASK 2432        /* 8 of 8 */
#define BLOCK_VECTOR_SEEN 2496 /* 64 */
#define BLOCK_BYTES 2560

#endif
