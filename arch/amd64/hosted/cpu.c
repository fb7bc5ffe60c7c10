/* SPDX-License-Identifier: MIT */
#include "arch/cpu.h"

#include <stdint.h>
#include <sys/syscall.h>

#include "arch/amd64/frame.h"
#include "arch/amd64/hosted/hosted.h"
#include "arch/trap.h"

#define STATUS_HALTED 70 /* EX_SOFTWARE of sysexits.h, as after a panic */

const char *arch_cpu_missing(void)
{
    return NULL; /* the process runs, so the CPU does what its ABI asks for */
}

/* A process that stands still helps nobody: it ends. */
_Noreturn void arch_cpu_halt(void)
{
    for (;;)
        hosted_syscall(SYS_exit_group, STATUS_HALTED, 0, 0, 0);
}

/* A signal that comes before the wait has begun must end it all the same (interrupt.S). */
void arch_cpu_idle_resume(struct arch_frame *frame)
{
    if (frame->rip - (uintptr_t)hosted_idle_begin <
        (uintptr_t)hosted_idle_end - (uintptr_t)hosted_idle_begin)
        frame->rip = (uintptr_t)hosted_idle_end;
}
