/* SPDX-License-Identifier: MIT */
/* What the registers should hold, which vector registers there are, and their names. */
#include <stddef.h>
#include <stdio.h>

#include "image-amd64.h"
#include "patterns.h"

#define CARRY 0x001u
#define PARITY 0x004u
#define ADJUST 0x010u
#define ZERO 0x040u
#define SIGN 0x080u
#define DIRECTION 0x400u
#define OVERFLOW 0x800u
#define STATUS_FLAGS (CARRY | PARITY | ADJUST | ZERO | SIGN | OVERFLOW)
#define INTERRUPTS 0x202u /* and the bit that always reads 1 */
#define X87_MASKED 0x37fu /* all exceptions masked, 64-bit precision */
#define SSE_MASKED 0x1f80u
#define EXPONENT_BIAS 16383

struct block {
    uint64_t general[16], flags, seen[2], rax;
    struct pattern_control *control;
    uint64_t old_flags;
    uint32_t mxcsr, x87_control, x87_status, old_mxcsr, old_x87_control, unused[3];
    struct {
        uint64_t mantissa;
        uint16_t exponent, unused[3];
    } x87[8];
    uint64_t alignment[6];
    uint64_t vector[32][8];
    uint64_t mask[8];
    uint64_t vector_seen[8];
};

#define CHECK_OFFSET(field, offset)                                                                \
    _Static_assert(offsetof(struct block, field) == (offset), #field " moved")

CHECK_OFFSET(flags, BLOCK_FLAGS);
CHECK_OFFSET(seen, BLOCK_SEEN);
CHECK_OFFSET(rax, BLOCK_RAX);
CHECK_OFFSET(control, BLOCK_CONTROL);
CHECK_OFFSET(old_flags, BLOCK_OLD_FLAGS);
CHECK_OFFSET(mxcsr, BLOCK_MXCSR);
CHECK_OFFSET(x87_control, BLOCK_X87_CONTROL);
CHECK_OFFSET(x87_status, BLOCK_X87_STATUS);
CHECK_OFFSET(old_mxcsr, BLOCK_OLD_MXCSR);
CHECK_OFFSET(old_x87_control, BLOCK_OLD_X87_CONTROL);
CHECK_OFFSET(x87, BLOCK_X87);
CHECK_OFFSET(vector, BLOCK_VECTOR);
CHECK_OFFSET(mask, BLOCK_MASK);
CHECK_OFFSET(vector_seen, BLOCK_VECTOR_SEEN);
_Static_assert(sizeof(struct block) == BLOCK_BYTES, "image-amd64.h");

/* For the assembly: 16 (SSE), 32 (AVX) or 64 (AVX-512) bytes of each vector register are used. */
uint32_t pattern_vector_bytes = 16;

void pattern_block(struct block *block, struct pattern_control *control, uint32_t pattern);

/* A different word for each place and pattern (multiplier: Knuth's MMIX, odd, so no two are equal).
 */
static uint64_t word(uint32_t pattern, uint32_t place)
{
    return ((uint64_t)pattern << 32 | place) * 6364136223846793005u;
}

void pattern_block(struct block *block, struct pattern_control *control, uint32_t pattern)
{
    uint64_t variety = word(pattern, 0) >> 40;

    for (uint32_t i = 0; i < 16; i++)
        block->general[i] = word(pattern, i);
    block->flags = INTERRUPTS | (variety & STATUS_FLAGS) | (variety & 1 ? DIRECTION : 0);
    block->control = control;
    block->mxcsr = SSE_MASKED | (uint32_t)(variety & 3) << 13 | (uint32_t)(variety >> 2 & 0x3f);
    block->x87_control = X87_MASKED | (uint32_t)(variety >> 3 & 3) << 10;
    for (uint32_t i = 0; i < 8; i++) { /* normal numbers: the highest bit of the mantissa is set */
        block->x87[i].mantissa = word(pattern, 16 + i) | 1ull << 63;
        block->x87[i].exponent = (uint16_t)(EXPONENT_BIAS + i);
        block->mask[i] = word(pattern, 24 + i);
    }
    for (uint32_t i = 0; i < 32; i++)
        for (uint32_t j = 0; j < 8; j++)
            block->vector[i][j] = word(pattern, 32 + 8 * i + j);
}

static void cpuid(uint32_t leaf, uint32_t *b, uint32_t *c)
{
    uint32_t a = leaf, d;

    *c = 0;
    __asm__ volatile("cpuid" : "+a"(a), "=b"(*b), "+c"(*c), "=d"(d));
}

/* What the CPU has and XCR0 lets programs use. */
bool pattern_widen_fpu(void)
{
    uint32_t b, c, components;

    cpuid(1, &b, &c);
    if ((c >> 27 & 1) == 0 || (c >> 28 & 1) == 0) /* OSXSAVE, AVX */
        return false;
    __asm__ volatile("xgetbv" : "=a"(components) : "c"(0) : "edx");
    if ((components & 6) != 6)
        return false;
    cpuid(7, &b, &c);
    /* AVX512F, and BW for masks of 64 bits. */
    pattern_vector_bytes =
        (components & 0xe0) == 0xe0 && (b >> 16 & 1) != 0 && (b >> 30 & 1) != 0 ? 64 : 32;
    printf("vector registers of %u bytes\n", (unsigned)pattern_vector_bytes);
    return true;
}

const char *pattern_name(unsigned number)
{
    static const char *const general[] = {
        "",   "rcx", "rdx", "rbx", "rax", "rbp", "rsi", "rdi",
        "r8", "r9",  "r10", "r11", "r12", "r13", "r14", "r15",
    };
    static char name[24];

    if (number < PATTERN_FLAGS)
        return general[number];
    if (number == PATTERN_FLAGS)
        return "rflags";
    if (number < PATTERN_X87_CONTROL)
        snprintf(name, sizeof name, "st(%u)", number - PATTERN_X87);
    else if (number == PATTERN_X87_CONTROL)
        return "fcw";
    else if (number == PATTERN_X87_STATUS)
        return "fsw";
    else if (number == PATTERN_MXCSR)
        return "mxcsr";
    else if (number < PATTERN_MASK)
        snprintf(name, sizeof name, "vector %u", number - PATTERN_VECTOR);
    else
        snprintf(name, sizeof name, "k%u", number - PATTERN_MASK);
    return name;
}
