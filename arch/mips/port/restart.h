/* SPDX-License-Identifier: MIT */
/* An interrupt in a branch's delay slot has the branch's address, which is in the sequence as well.
 */
#ifndef PORT_RESTART_H
#define PORT_RESTART_H

#define ARCH_RESTARTABLE_WORDS 1

/* Before a sequence: its labels 1 and 2 are its first instruction and its last. R_MIPS_NONE changes
 * nothing. */
#define RESTART_SEQUENCE                                                                           \
    ".pushsection .restart_table.%=, \"a\", @progbits\n"                                           \
    ".Lrestart%=:\n\t"                                                                             \
    ".word 1f, 2f\n\t"                                                                             \
    ".popsection\n\t"                                                                              \
    ".reloc ., R_MIPS_NONE, .Lrestart%=\n\t"                                                       \
    ".set push\n\t"                                                                                \
    ".set noreorder\n"

static inline __attribute__((always_inline)) uintptr_t arch_stack_pop(uintptr_t **top)
{
    uintptr_t word, at;

    __asm__ goto(RESTART_SEQUENCE "1:\tlw    %[at], %[top]\n\t"
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

    __asm__ goto(RESTART_SEQUENCE "1:\tlw    %[at], %[top]\n\t"
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

/* ---- words and lists ---- */

static inline __attribute__((always_inline)) bool arch_restart_swap(uint32_t *word,
                                                                    uint32_t expected,
                                                                    uint32_t desired)
{
    uint32_t now;

    __asm__ goto(RESTART_SEQUENCE "1:\tlw    %[now], %[word]\n\t"
                                  "bne   %[now], %z[expected], %l[differs]\n\t"
                                  "nop\n"
                                  "2:\tsw    %z[desired], %[word]\n\t"
                                  ".set  pop"
                 : [now] "=&r"(now), [word] "+ZC"(*word)
                 : [expected] "dJ"(expected), [desired] "dJ"(desired)
                 : "memory"
                 : differs);
    return true;
differs:
    return false;
}

static inline __attribute__((always_inline)) bool arch_restart_take(uint32_t *count)
{
    uint32_t now;

    __asm__ goto(RESTART_SEQUENCE "1:\tlw    %[now], %[count]\n\t"
                                  "blez  %[now], %l[none]\n\t"
                                  "addiu %[now], %[now], -1\n"
                                  "2:\tsw    %[now], %[count]\n\t"
                                  ".set  pop"
                 : [now] "=&r"(now), [count] "+ZC"(*count)
                 :
                 : "memory"
                 : none);
    return true;
none:
    return false;
}

static inline __attribute__((always_inline)) bool arch_restart_put(uint32_t *count, uint32_t limit)
{
    uint32_t now, below;

    __asm__ goto(RESTART_SEQUENCE "1:\tlw    %[now], %[count]\n\t"
                                  "sltu  %[below], %[now], %[limit]\n\t"
                                  "beqz  %[below], %l[full]\n\t"
                                  "addiu %[now], %[now], 1\n"
                                  "2:\tsw    %[now], %[count]\n\t"
                                  ".set  pop"
                 : [now] "=&r"(now), [below] "=&r"(below), [count] "+ZC"(*count)
                 : [limit] "d"(limit)
                 : "memory"
                 : full);
    return true;
full:
    return false;
}

static inline __attribute__((always_inline)) void *arch_restart_pop(void **list)
{
    void *first, *second;

    __asm__ goto(RESTART_SEQUENCE "1:\tlw    %[first], %[list]\n\t"
                                  "beqz  %[first], %l[empty]\n\t"
                                  "nop\n\t"
                                  "lw    %[second], 0(%[first])\n"
                                  "2:\tsw    %[second], %[list]\n\t"
                                  ".set  pop"
                 : [first] "=&r"(first), [second] "=&r"(second), [list] "+ZC"(*list)
                 :
                 : "memory"
                 : empty);
    if (first == NULL)
        __builtin_unreachable();
    return first;
empty:
    return NULL;
}

/* The member is the caller's, so its first word may be written more than once. */
static inline __attribute__((always_inline)) bool arch_restart_push(void **list, void *member,
                                                                    uint32_t number,
                                                                    const uint32_t *limit)
{
    uint32_t word;

    __asm__ goto(RESTART_SEQUENCE "1:\tlw    %[word], %[limit]\n\t"
                                  "sltu  %[word], %[number], %[word]\n\t"
                                  "beqz  %[word], %l[beyond]\n\t"
                                  "lw    %[word], %[list]\n\t"
                                  "sw    %[word], 0(%[member])\n"
                                  "2:\tsw    %[member], %[list]\n\t"
                                  ".set  pop"
                 : [word] "=&r"(word), [list] "+ZC"(*list)
                 : [member] "d"(member), [number] "d"(number), [limit] "ZC"(*limit)
                 : "memory"
                 : beyond);
    return true;
beyond:
    return false;
}

#endif
