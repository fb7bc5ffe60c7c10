/* SPDX-License-Identifier: MIT */
#include "arch/fpu.h"
#include "arch/mips/frame.h"
#include "arch/mips/mips.h"
#include "kernel/print.h"

_Static_assert(ARCH_FPU_BYTES >= 260 && ARCH_FPU_BYTES % 8 == 0, "32 doubles and FCSR");

#define CONFIG3_DSPP (1u << 10)

static bool has_dsp;

void arch_fpu_init(struct core *core)
{
    uint32_t config1, config2, config3 = 0;

    core_fpu_owner_set(core, NULL);
    __asm__ volatile("mfc0 %0, $16, 1" : "=r"(config1));
    if (config1 >> 31 != 0) {
        __asm__ volatile("mfc0 %0, $16, 2" : "=r"(config2));
        if (config2 >> 31 != 0)
            __asm__ volatile("mfc0 %0, $16, 3" : "=r"(config3));
    }
    has_dsp = (config3 & CONFIG3_DSPP) != 0;
}

/* MIPS DSP module (MD00374): ac0 is HI and LO, which every frame has. */
struct dsp_state {
    uint32_t high[3], low[3], control;
};

_Static_assert(MIPS_FPU_DSP + sizeof(struct dsp_state) <= MIPS_FPU_USED, "the save area's size");

static struct dsp_state *dsp_of(void *area)
{
    return (struct dsp_state *)((char *)area + MIPS_FPU_DSP);
}

static void dsp_save(struct dsp_state *state)
{
    __asm__ volatile(".set push\n\t.set dsp\n\t"
                     "mfhi %0, $ac1\n\tmflo %1, $ac1\n\t"
                     "mfhi %2, $ac2\n\tmflo %3, $ac2\n\t"
                     "mfhi %4, $ac3\n\tmflo %5, $ac3\n\t"
                     "rddsp %6\n\t.set pop"
                     : "=r"(state->high[0]), "=r"(state->low[0]), "=r"(state->high[1]),
                       "=r"(state->low[1]), "=r"(state->high[2]), "=r"(state->low[2]),
                       "=r"(state->control));
}

static void dsp_load(const struct dsp_state *state)
{
    __asm__ volatile(".set push\n\t.set dsp\n\t"
                     "mthi %0, $ac1\n\tmtlo %1, $ac1\n\t"
                     "mthi %2, $ac2\n\tmtlo %3, $ac2\n\t"
                     "mthi %4, $ac3\n\tmtlo %5, $ac3\n\t"
                     "wrdsp %6\n\t.set pop" ::"r"(state->high[0]),
                     "r"(state->low[0]), "r"(state->high[1]), "r"(state->low[1]),
                     "r"(state->high[2]), "r"(state->low[2]), "r"(state->control));
}

static void units_save(void *area)
{
    mips_fpu_save(area);
    if (has_dsp)
        dsp_save(dsp_of(area));
}

static void units_load(void *area)
{
    mips_fpu_load(area);
    if (has_dsp)
        dsp_load(dsp_of(area));
}

void mips_fpu_put_away(struct core *core)
{
    units_save(core->fpu_owner); /* the owner is running: the unit is on */
    core_fpu_owner_set(core, NULL);
    mips_fpu_disable();
}

void mips_fpu_print(const struct arch_frame *frame, bool registers)
{
    static uint64_t area[ARCH_FPU_BYTES / 8];
    unsigned step = frame->status & STATUS_FR ? 1 : 2;

    if (!(frame->status & STATUS_CU1))
        return; /* what the unit holds is another thread's */
    mips_fpu_enable();
    mips_fpu_save(area);
    print_console("fcsr %08x\n", (unsigned)((const uint32_t *)area)[64]);
    for (unsigned i = 0; registers && i < 32; i += step)
        print_console("f%u%s %016llx%s", i, i < 10 ? " " : "", (unsigned long long)area[i],
                      i / step % 4 == 3 ? "\n" : "  ");
}

/* FCSR, MIPS32 PRA (MD00086): bits 17 to 12 say what the last instruction raised. A move that finds
 * one of them enabled raises it again, in mips_fpu_load too. */
void mips_fpu_exception_over(void)
{
    uint32_t fcsr;

    mips_fpu_enable();
    __asm__ volatile("cfc1 %0, $31\n\tins %0, $0, 12, 6\n\tctc1 %0, $31" : "=&r"(fcsr));
}

bool mips_fpu_take(struct arch_frame *frame)
{
    struct core *core = core_self();
    void *area = core_current_fpu_area(core);

    if (area == NULL || core->fpu_owner == area || core->interrupt_depth != 0)
        return false; /* a handler, whose registers would be the thread's */
    mips_fpu_enable();
    if (core->fpu_owner != NULL)
        units_save(core->fpu_owner);
    units_load(area);
    core_fpu_owner_set(core, area);
    *(uint32_t *)((char *)area + MIPS_FPU_USED) = 1;
    frame->status |= MIPS_UNITS_ON;
    return true;
}
