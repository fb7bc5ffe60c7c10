/* SPDX-License-Identifier: MIT */
#include <stdint.h>
#include <string.h>

#include "../firmware.h"
#include "arch/mips/frame.h"
#include "arch/mips/mips.h"
#include "tests/board/thread-local-emulation/emulate.h"

#define RDHWR_29(rt) (0x7c00e83bu | (rt) << 16)

static __thread int variable = 5;

/* Not text, so that boot does not change it. */
static uint32_t code[] = {
    RDHWR_29(3), 0, RDHWR_29(25),
    0x10000003u, /* b .+16 */
    RDHWR_29(2), 0, 0x7c02083bu /* rdhwr $2, $1 */,
};

static struct arch_frame frame_at(unsigned index, int delay_slot)
{
    struct arch_frame frame;

    memset(&frame, 0xa5, sizeof frame);
    frame.epc = (uint32_t)(uintptr_t)&code[index];
    frame.cause = 10 << 2 | (delay_slot ? 1u << 31 : 0);
    return frame;
}

void emulate(void)
{
    /* What the compiler's own access makes of it: the variable is 0x7000 below pointer + offset. */
    uintptr_t pointer;
    struct arch_frame frame = frame_at(0, 0);

    CHECK(variable == 5);
    __asm__ volatile(".set push\n\t.set mips32r2\n\trdhwr $3, $29\n\tmove %0, $3\n\t.set pop"
                     : "=r"(pointer)
                     :
                     : "$3");
    CHECK((uintptr_t)&variable - (pointer - 0x7000) < 4096);
    CHECK(mips_tls_emulate(&frame));
    CHECK(frame.v1 == pointer && frame.epc == (uintptr_t)&code[1] && frame.v0 == 0xa5a5a5a5u);
    frame = frame_at(2, 0);
    CHECK(mips_tls_emulate(&frame));
    CHECK(frame.t9 == pointer && frame.epc == (uintptr_t)&code[3]);
    /* In a delay slot the branch is taken as well. */
    frame = frame_at(3, 1);
    CHECK(mips_tls_emulate(&frame));
    CHECK(frame.v0 == pointer && frame.epc == (uintptr_t)&code[7]);
    /* Anything else is not ours. */
    frame = frame_at(6, 0);
    CHECK(!mips_tls_emulate(&frame));
    CHECK(frame.epc == (uintptr_t)&code[6] && frame.v0 == 0xa5a5a5a5u);
}
