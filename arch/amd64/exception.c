/* SPDX-License-Identifier: MIT */
/* What an application's exception handler may ask of a frame, and do to it. */
#include "arch/amd64/frame.h"
#include "arch/trap.h"

/* By vector: Intel SDM volume 3, table 6-1. 0, which is WEFT_TRAP_ADDRESS, stands for "other". */
static const uint8_t traps[VECTOR_EXCEPTIONS] = {
    [0] = WEFT_TRAP_DIVISION,        [1] = WEFT_TRAP_BREAKPOINT,     [3] = WEFT_TRAP_BREAKPOINT,
    [4] = WEFT_TRAP_OVERFLOW,        [5] = WEFT_TRAP_CONDITION,      [6] = WEFT_TRAP_INSTRUCTION,
    [7] = WEFT_TRAP_COPROCESSOR,     [13] = WEFT_TRAP_PROTECTION,    [14] = WEFT_TRAP_PAGE,
    [16] = WEFT_TRAP_FLOATING_POINT, [19] = WEFT_TRAP_FLOATING_POINT};

enum weft_trap_cause arch_frame_trap(const struct arch_frame *frame)
{
    unsigned vector = (unsigned)frame->vector;

    if (vector == 12 || vector == 17)
        return WEFT_TRAP_ADDRESS; /* an address that is not canonical, or not aligned */
    return vector < VECTOR_EXCEPTIONS && traps[vector] != 0 ? (enum weft_trap_cause)traps[vector]
                                                            : WEFT_TRAP_OTHER;
}

uintptr_t *arch_frame_register(struct arch_frame *frame, unsigned number)
{
    uint64_t *const registers[16] = {&frame->rax, &frame->rdx, &frame->rcx, &frame->rbx,
                                     &frame->rsi, &frame->rdi, &frame->rbp, &frame->rsp,
                                     &frame->r8,  &frame->r9,  &frame->r10, &frame->r11,
                                     &frame->r12, &frame->r13, &frame->r14, &frame->r15};

    return number < 16 ? (uintptr_t *)registers[number] : NULL;
}

bool arch_frame_in_delay_slot(const struct arch_frame *frame)
{
    (void)frame;
    return false;
}

/* The length of an instruction is only known by decoding it. */
bool arch_frame_skip(struct arch_frame *frame)
{
    (void)frame;
    return false;
}
