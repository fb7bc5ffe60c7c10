/* SPDX-License-Identifier: MIT */
#include "arch/cpu.h"
#include "arch/mips/mips.h"
#include "arch/trap.h"
#include "arch/upcall.h"
#include "kernel/core.h"

/* Config4.KScrExist, bit 16 + select; each Config register says whether the next exists. */
static bool has_kscratches(uint32_t config1)
{
    uint32_t config = 0;

    if (config1 >> 31 == 0)
        return false;
    __asm__ volatile("mfc0 %0, $16, 2" : "=r"(config));
    if (config >> 31 == 0)
        return false;
    __asm__ volatile("mfc0 %0, $16, 3" : "=r"(config));
    if (config >> 31 == 0)
        return false;
    __asm__ volatile("mfc0 %0, $16, 4" : "=r"(config));
    return (config >> 18 & 3) == 3;
}

/* Config registers: MIPS32 PRA (MD00090), Config.AR and Config1.FP. */
const char *arch_cpu_missing(void)
{
    uint32_t config, config1;

    __asm__ volatile("mfc0 %0, $16" : "=r"(config));
    if (((config >> 10) & 7) < 1)
        return "this CPU is older than MIPS32 release 2, which this image was built for";
    if ((config >> 31) == 0)
        return "this CPU has no Config1 register, so it is no MIPS32 release 2";
    __asm__ volatile("mfc0 %0, $16, 1" : "=r"(config1));
    if ((config1 & 1) == 0)
        return "this CPU has no floating-point unit, which this image was built for";
    if (WEFT_CONFIG_CORES > 1 && !has_kscratches(config1))
        return "this CPU has no registers KScratch1 and 2, which an image for more than one core "
               "needs: build with CORES=1";
    return NULL;
}

/* From arch_secondary_start. */
_Noreturn void mips_boot_core(unsigned id)
{
    __asm__ volatile("mtc0 %0, $31, 2\n\tehb" ::"r"(&cores[id]) : "memory");
    upcall_boot_core(id);
}

_Noreturn void arch_cpu_halt(void)
{
    for (;;)
        __asm__ volatile("di\n\twait" ::: "memory");
}

void arch_cpu_idle_resume(struct arch_frame *frame)
{
    uintptr_t pc = arch_frame_pc(frame);

    if (pc >= (uintptr_t)arch_idle_begin && pc < (uintptr_t)arch_idle_end)
        arch_frame_set_pc(frame, (uintptr_t)arch_idle_end);
}
