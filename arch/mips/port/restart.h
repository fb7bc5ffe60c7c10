/* SPDX-License-Identifier: MIT */
/* An interrupt in a branch's delay slot has the branch's address, which is in the sequence as well.
 */
#ifndef PORT_RESTART_H
#define PORT_RESTART_H

/* R_MIPS_NONE changes nothing. */
#define RESTART_SEQUENCE(first, commit)                                                            \
    ".pushsection .restart_table.%=, \"a\", @progbits\n"                                           \
    ".Lrestart%=:\n\t"                                                                             \
    ".word " first ", " commit "\n\t"                                                              \
    ".popsection\n\t"                                                                              \
    ".reloc ., R_MIPS_NONE, .Lrestart%=\n\t"

static inline __attribute__((always_inline)) uintptr_t arch_stack_pop(uintptr_t **top)
{
    uintptr_t word, at;

    __asm__ goto(RESTART_SEQUENCE("1f", "2f") ".set  push\n\t"
                                              ".set  noreorder\n"
                                              "1:\tlw    %[at], %[top]\n\t"
                                              "lw    %[word], -4(%[at])\n\t"
                                              "beqz  %[word], %l[empty]\n\t"
                                              "addiu %[at], %[at], -4\n"
                                              "2:\tsw    %[at], %[top]\n\t"
                                              ".set  pop"
                 : [word] "=&r"(word), [at] "=&r"(at), [top] "+ZC"(*top)
                 :
                 : "memory"
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

    __asm__ goto(RESTART_SEQUENCE("1f", "2f") ".set  push\n\t"
                                              ".set  noreorder\n"
                                              "1:\tlw    %[at], %[top]\n\t"
                                              "beq   %[at], %[limit], %l[full]\n\t"
                                              "sw    %[word], 0(%[at])\n\t" /* in the delay slot */
                                              "addiu %[at], %[at], 4\n"
                                              "2:\tsw    %[at], %[top]\n\t"
                                              ".set  pop"
                 : [at] "=&r"(at), [top] "+ZC"(*top)
                 : [word] "r"(word), [limit] "r"(*limit)
                 : "memory"
                 : full);
    return true;
full:
    return false;
}

/* `word`, or 0 unless `keep_if` is not 0; the compiler would make it a branch and an empty slot. */
static inline uintptr_t arch_clear_unless(uintptr_t word, uintptr_t keep_if)
{
    __asm__("movz %0, $0, %1" : "+r"(word) : "r"(keep_if));
    return word;
}

#endif
