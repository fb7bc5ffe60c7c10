/* SPDX-License-Identifier: MIT */
#ifndef PORT_CPU_H
#define PORT_CPU_H

/* Within 32 KiB of $gp: one instruction reaches it. The compiler knows the section by its name. */
#define ARCH_NEAR __attribute__((section(".sbss")))
#define ARCH_NEAR_DATA __attribute__((section(".sdata")))

static inline unsigned arch_core_id(void)
{
    unsigned ebase;

    if (WEFT_CONFIG_CORES == 1)
        return 0;
    __asm__("mfc0 %0, $15, 1" : "=r"(ebase));
    return ebase & 0x3ff; /* EBase.CPUNum */
}

/* KScratch1 holds it (arch/mips/start.S). */
static inline struct core *arch_core_pointer(void)
{
    struct core *core;

    __asm__ volatile("mfc0 %0, $31, 2" : "=r"(core));
    return core;
}

/* KScratch2 holds it. */
static inline void arch_current_set(struct weft_thread *thread)
{
    __asm__ volatile("mtc0 %0, $31, 3\n\tehb" ::"r"(thread));
}

static inline struct weft_thread *arch_current(void)
{
    struct weft_thread *thread;

    __asm__ volatile("mfc0 %0, $31, 3" : "=r"(thread));
    return thread;
}

static inline void arch_cpu_relax(void)
{
    __asm__ volatile("pause" ::: "memory");
}

/* The outcome is a branch, not a value that is tested again. */
#define ARCH_SWAP_32
static inline __attribute__((always_inline)) bool arch_swap_32(uint32_t *word, uint32_t expected,
                                                               uint32_t desired)
{
    __asm__ goto(".set push\n\t.set noat\n\t.set noreorder\n"
                 "1:\tll $1, %0\n\t"
                 "bne $1, %z1, %l[differs]\n\t"
                 "move $1, %z2\n\t"
                 "sc $1, %0\n\t"
                 "beqz $1, 1b\n\t"
                 "nop\n\t"
                 ".set pop"
                 :
                 : "R"(*word), "dJ"(expected), "dJ"(desired)
                 : "memory"
                 : differs);
    return true;
differs:
    return false;
}

/* Waits by ll alone, and in line: who takes a lock needs no register that a call would clobber. */
#define ARCH_LOCK_TAKE
static inline __attribute__((always_inline)) void arch_lock_take(uintptr_t *word, uintptr_t owner)
{
    __asm__ volatile(".set push\n\t.set noat\n\t.set noreorder\n"
                     "1:\tll $1, %0\n\t"
                     "bnez $1, 1b\n\t"
                     "move $1, %1\n\t"
                     "sc $1, %0\n\t"
                     "beqz $1, 1b\n\t"
                     "sync\n\t"
                     ".set pop"
                     : "+R"(*word)
                     : "d"(owner)
                     : "memory");
}

#endif
