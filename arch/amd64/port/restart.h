/* SPDX-License-Identifier: MIT */
/* An interrupt comes between two instructions: the commit, which reads and writes, is one. Its
 * flags are nobody's. */
#ifndef PORT_RESTART_H
#define PORT_RESTART_H

/* R_X86_64_NONE changes nothing. */
#define RESTART_SEQUENCE(first, commit)                                                            \
    ".pushsection .restart_table.%=, \"a\", @progbits\n"                                           \
    ".Lrestart%=:\n\t"                                                                             \
    ".quad " first ", " commit "\n\t"                                                              \
    ".popsection\n\t"                                                                              \
    ".reloc ., R_X86_64_NONE, .Lrestart%=\n"

static inline __attribute__((always_inline)) uintptr_t arch_stack_pop(uintptr_t **top)
{
    uintptr_t word;

    __asm__ goto(RESTART_SEQUENCE("1f", "2f") "1:\tmovq %[top], %[word]\n\t"
                                              "movq -8(%[word]), %[word]\n\t"
                                              "testq %[word], %[word]\n\t"
                                              "je %l[empty]\n"
                                              "2:\tsubq $8, %[top]"
                 : [word] "=&r"(word), [top] "+m"(*top)
                 :
                 : "memory", "cc"
                 : empty);
    if (!word)
        __builtin_unreachable();
    return word;
empty:
    return 0;
}

static inline __attribute__((always_inline)) bool arch_stack_push(uintptr_t **top,
                                                                  uintptr_t *const *limit,
                                                                  uintptr_t word)
{
    uintptr_t at;

    __asm__ goto(RESTART_SEQUENCE("1f", "2f") "1:\tmovq %[top], %[at]\n\t"
                                              "cmpq %[limit], %[at]\n\t"
                                              "je %l[full]\n\t"
                                              "movq %[word], (%[at])\n"
                                              "2:\taddq $8, %[top]"
                 : [at] "=&r"(at), [top] "+m"(*top)
                 : [word] "r"(word), [limit] "m"(*limit)
                 : "memory", "cc"
                 : full);
    return true;
full:
    return false;
}

static inline uintptr_t arch_clear_unless(uintptr_t word, uintptr_t keep_if)
{
    return keep_if ? word : 0;
}

#endif
