/* SPDX-License-Identifier: MIT */
/* DWARF's expressions by themselves: every operator, and what is not understood. */
#include <criterion/criterion.h>

#include "prof/cfi_expression.h"
#include "prof/unwind.h"

#define NOT_UNDERSTOOD UINTPTR_MAX

/* One block (its length in front), run with rax = 1000 and 77 pushed first. */
static const struct expression {
    unsigned char block[12];
    uintptr_t result;
} expression_cases[] = {
    {{1, 0x35}, 5},                                          /* lit5 */
    {{1, 0x96}, 77},                                         /* nop */
    {{2, 0x08, 0xff}, 255},                                  /* const1u */
    {{2, 0x09, 0xfc}, (uintptr_t)-4},                        /* const1s */
    {{3, 0x0a, 1, 2}, 0x201},                                /* const2u */
    {{3, 0x0b, 0xfe, 0xff}, (uintptr_t)-2},                  /* const2s */
    {{5, 0x0d, 0xfd, 0xff, 0xff, 0xff}, (uintptr_t)-3},      /* const4s */
    {{5, 0x0c, 1, 2, 3, 4}, 0x4030201},                      /* const4u */
    {{3, 0x10, 0x80, 1}, 128},                               /* constu */
    {{4, 0x11, 0x7f, 0x33, 0x22}, 2},                        /* consts -1, lit3, plus */
    {{9, 0x03, 8, 7, 6, 5, 4, 3, 2, 1}, 0x0102030405060708}, /* addr */
    {{2, 0x12, 0x22}, 154},                                  /* dup plus */
    {{2, 0x31, 0x13}, 77},                                   /* lit1 drop */
    {{2, 0x33, 0x1c}, 74},                                   /* minus */
    {{2, 0x32, 0x1e}, 154},                                  /* mul */
    {{2, 0x3f, 0x1a}, 13},                                   /* and */
    {{2, 0x32, 0x21}, 79},                                   /* or */
    {{2, 0x33, 0x24}, 616},                                  /* shl */
    {{2, 0x33, 0x25}, 9},                                    /* shr */
    {{3, 0x08, 200, 0x24}, 0},                               /* shl by too much */
    {{3, 0x08, 200, 0x25}, 0},                               /* shr by too much */
    {{3, 0x08, 77, 0x29}, 1},                                /* eq */
    {{3, 0x08, 77, 0x2e}, 0},                                /* ne */
    {{3, 0x08, 77, 0x2a}, 1},                                /* ge */
    {{3, 0x08, 77, 0x2b}, 0},                                /* gt */
    {{3, 0x08, 77, 0x2c}, 1},                                /* le */
    {{3, 0x08, 77, 0x2d}, 0},                                /* lt */
    {{3, 0x09, 0x80, 0x2b}, 1},                              /* gt is signed: 77 > -128 */
    {{2, 0x23, 3}, 80},                                      /* plus_uconst */
    {{2, 0x70, 24}, 1024},                                   /* breg0 */
    {{2, 0x70, 0x7f}, 999},                                  /* breg0 - 1 */
    {{3, 0x92, 0, 24}, 1024},                                /* bregx */
    {{3, 0x92, 40, 0}, NOT_UNDERSTOOD},                      /* a register that is not tracked */
    {{2, 0x13, 0x13}, NOT_UNDERSTOOD},                       /* underflow */
    {{1, 0x22}, NOT_UNDERSTOOD},                             /* one operand */
    {{8, 0x31, 0x31, 0x31, 0x31, 0x31, 0x31, 0x31, 0x31}, NOT_UNDERSTOOD}, /* too deep */
    {{3, 0x2f, 0xfd, 0xff}, NOT_UNDERSTOOD}, /* skip backwards: a loop */
    {{1, 0xe0}, NOT_UNDERSTOOD},             /* unknown */
    {{2, 0x08}, 0},                          /* const1u of the byte behind */
    {{90, 0x31}, NOT_UNDERSTOOD},            /* longer than the section */
    {{1, 0x06}, NOT_UNDERSTOOD},             /* deref of 77 */
};

Test(prof_unwind, every_expression_operator)
{
    uintptr_t registers[ARCH_UNWIND_REGISTERS] = {1000};
    static uintptr_t stack[64];
    const uintptr_t initial = 77;

    for (unsigned i = 0; i < sizeof expression_cases / sizeof expression_cases[0]; i++) {
        const struct expression *e = &expression_cases[i];
        struct cfi_section section = {e->block, e->block + sizeof e->block, 0};
        struct cfi_expression_input input = {&section, registers, (uintptr_t)stack,
                                             (uintptr_t)(stack + 64)};
        uintptr_t result = 0;
        bool understood = cfi_expression_run(&input, 0, &initial, &result);

        if (e->result == NOT_UNDERSTOOD)
            cr_assert(!understood, "case %u", i);
        else
            cr_assert(understood && result == e->result, "case %u: %lx", i, (long)result);
    }
}
