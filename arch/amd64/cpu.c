/* SPDX-License-Identifier: MIT */
#include "arch/cpu.h"

#include "arch/amd64/amd64.h"
#include "arch/trap.h"
#include "arch/upcall.h"
#include "kernel/core.h"

/* Long mode is not in the list: without it the start code stops, since this could not even run. */
const char *arch_cpu_missing(void)
{
    struct amd64_cpuid basic = amd64_cpuid_checked(1, 0);
    struct amd64_cpuid extended = amd64_cpuid_checked(0x80000001u, 0);

    if ((basic.d & CPUID_1D_FXSR) == 0 || (basic.d & CPUID_1D_SSE2) == 0)
        return "this CPU has no SSE2 with FXSAVE, which this image was built for";
    if ((basic.d & CPUID_1D_TSC) == 0 || (basic.d & CPUID_1D_MSR) == 0)
        return "this CPU has no time stamp counter and model-specific registers, so there is no "
               "clock";
    if ((basic.d & CPUID_1D_APIC) == 0)
        return "this CPU has no local APIC (or the firmware has switched it off), so there is no "
               "timer";
    if ((extended.d & CPUID_80000001D_NX) == 0)
        return "this CPU cannot forbid the execution of data (NX), which this image relies on";
    return NULL;
}

_Noreturn void amd64_boot_core(unsigned id)
{
    amd64_cores[id].core = &cores[id];
    amd64_wrmsr(MSR_GS_BASE, (uintptr_t)&amd64_cores[id]);
    upcall_boot_core(id);
}

_Noreturn void arch_cpu_halt(void)
{
    for (;;)
        __asm__ volatile("cli\n\thlt" ::: "memory");
}

/* sti and hlt are one step (switch.S): no interrupt is ever taken between them. */
void arch_cpu_idle_resume(struct arch_frame *frame)
{
    (void)frame;
}
