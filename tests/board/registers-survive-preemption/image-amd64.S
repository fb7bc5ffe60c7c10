/* SPDX-License-Identifier: MIT */
/*
 * Every register is compared with the block on the stack, where pattern_block (image-amd64-fill.c) has put
 * the values, so that no register has to be free for it: only where an operand can't be in memory is rax
 * put away for some instructions. rsp is checked by what it finds.
 */
#include "image-amd64.h"

/* clang-format off */
        .text

#define AT(offset) offset(%rsp)
#define GENERAL(number) (BLOCK_GENERAL + 8 * (number))(%rsp)

        .macro  function name
        .globl  \name
        .type   \name, @function
        .balign 16
\name:  .cfi_startproc
        .endm

        .macro  end_function name
        .cfi_endproc
        .size   \name, . - \name
        .endm

        .macro  keep register, offset
        pushq   %\register
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset \register, 0
        .endm

        .macro  give_back register
        popq    %\register
        .cfi_adjust_cfa_offset -8
        .cfi_restore \register
        .endm

/* One instruction that moves rsp by 8, and one that moves it back. */
        .macro  pushed instruction:vararg
        \instruction
        .cfi_adjust_cfa_offset 8
        .endm

        .macro  popped instruction:vararg
        \instruction
        .cfi_adjust_cfa_offset -8
        .endm

/* In: edi the pattern, rsi the control. Makes the block. Only with `fpu` is the unit touched. */
        .macro  enter name, fpu
        function \name
        .irp    r, rbp, rbx, r12, r13, r14, r15
        keep    \r
        .endr
        subq    $BLOCK_BYTES + 8, %rsp  # 16-aligned for the call
        .cfi_adjust_cfa_offset BLOCK_BYTES + 8
        cld
        pushed  pushfq
        popped  popq AT(BLOCK_OLD_FLAGS)
        .if     \fpu
        stmxcsr AT(BLOCK_OLD_MXCSR)
        fnstcw  AT(BLOCK_OLD_X87_CONTROL)
        .endif
        movl    %edi, %edx
        movq    %rsp, %rdi
        callq   pattern_block           # (block, control, pattern)
        .endm

/* eax is the result already. */
        .macro  leave name, fpu
        .if     \fpu
        fninit
        ldmxcsr AT(BLOCK_OLD_MXCSR)
        fldcw   AT(BLOCK_OLD_X87_CONTROL)
        .endif
        pushed  pushq AT(BLOCK_OLD_FLAGS)
        popped  popfq
        addq    $BLOCK_BYTES + 8, %rsp
        .cfi_adjust_cfa_offset -(BLOCK_BYTES + 8)
        .irp    r, r15, r14, r13, r12, rbx, rbp
        give_back \r
        .endr
        retq
        end_function \name
        .endm

/* By the numbers that instructions have for them. */
        .macro  each_general what, arguments:vararg
        \what   0, rax, \arguments
        \what   1, rcx, \arguments
        \what   2, rdx, \arguments
        \what   3, rbx, \arguments
        \what   5, rbp, \arguments
        \what   6, rsi, \arguments
        \what   7, rdi, \arguments
        \what   8, r8, \arguments
        \what   9, r9, \arguments
        \what   10, r10, \arguments
        \what   11, r11, \arguments
        \what   12, r12, \arguments
        \what   13, r13, \arguments
        \what   14, r14, \arguments
        \what   15, r15, \arguments
        .endm

        .macro  fill_general number, register, unused:vararg
        movq    GENERAL(\number), %\register
        .endm

        .macro  check_general number, register, suffix
        cmpq    GENERAL(\number), %\register
        jne     fail\suffix\()_\number
        .endm

/* Unlike a comparison, no move changes a flag: they hold their pattern for as long as this is. */
        .macro  check_flags suffix
        pushed  pushq AT(BLOCK_FLAGS)
        popped  popfq
        .rept   48
        movq    %rsp, %rsp
        .endr
        pushed  pushfq
        popped  popq AT(BLOCK_SEEN)
        cld                             # the pattern may have set it
        movq    %rax, AT(BLOCK_RAX)
        movq    AT(BLOCK_SEEN), %rax
        cmpq    AT(BLOCK_FLAGS), %rax
        jne     fail\suffix\()_16
        movq    AT(BLOCK_RAX), %rax
        .endm

/* Counts the round; falls through when told to stop. */
        .macro  next_round loop
        movq    %rax, AT(BLOCK_RAX)
        movq    AT(BLOCK_CONTROL), %rax
        incl    (%rax)
        cmpl    $0, 4(%rax)
        movq    AT(BLOCK_RAX), %rax
        je      \loop
        .endm

/* fail_n: returns n. */
        .macro  failures suffix, numbers:vararg
        xorl    %eax, %eax
        jmp     done\suffix
        .irp    n, \numbers
fail\suffix\()_\n:
        movl    $\n, %eax
        jmp     done\suffix
        .endr
done\suffix:
        .endm

/* rax is register 0, which is no damage: it is reported as 4, which nobody else has. */
#define GENERAL_NUMBERS 1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16

        .macro  rax_is_4 suffix
        jmp     done\suffix
fail\suffix\()_0:
        movl    $4, %eax
        .endm

/* unsigned pattern_integer(uint32_t pattern, struct pattern_control *control) */
        enter   pattern_integer, 0
        each_general fill_general
loop_i: each_general check_general, _i
        check_flags _i
        next_round loop_i
        xorl    %eax, %eax
        rax_is_4 _i
        jmp     done_i
        failures _i, GENERAL_NUMBERS
        leave   pattern_integer, 0

/* rax is put away around these. */
        .macro  check_word offset, seen, suffix, number
        movzwl  AT(\seen), %eax
        cmpw    %ax, AT(\offset)
        jne     fail\suffix\()_\number
        .endm

/* The registers turn by one, and are where they were after eight: popped, all 80 bits, and loaded again. */
        .macro  check_x87 suffix
        movq    %rax, AT(BLOCK_RAX)
        fnstcw  AT(BLOCK_SEEN)
        check_word BLOCK_X87_CONTROL, BLOCK_SEEN, \suffix, 25
        fnstsw  AT(BLOCK_SEEN)
        check_word BLOCK_X87_STATUS, BLOCK_SEEN, \suffix, 26
        .irp    n, 0, 1, 2, 3, 4, 5, 6, 7
        fstpt   AT(BLOCK_SEEN)
        fldt    AT(BLOCK_SEEN)
        fincstp
        movq    AT(BLOCK_SEEN), %rax
        cmpq    %rax, AT(BLOCK_X87 + 16 * \n)
        jne     fail\suffix\()_x\n
        check_word (BLOCK_X87+16*\n+8), (BLOCK_SEEN+8), \suffix, x\n
        .endr
        fxam                            # defines the condition codes
        stmxcsr AT(BLOCK_SEEN)
        movl    AT(BLOCK_SEEN), %eax
        cmpl    %eax, AT(BLOCK_MXCSR)
        jne     fail\suffix\()_27
        movq    AT(BLOCK_RAX), %rax
        .endm

        .macro  fill_vector number, move, register
        \move   AT(BLOCK_VECTOR + 64 * \number), %\register\number
        .endm

        .macro  check_vector number, move, register, bytes, suffix
        movq    %rax, AT(BLOCK_RAX)
        \move   %\register\number, AT(BLOCK_VECTOR_SEEN)
        .set    word, 0
        .rept   \bytes / 8
        movq    AT(BLOCK_VECTOR_SEEN + word), %rax
        cmpq    %rax, AT(BLOCK_VECTOR + 64 * \number + word)
        jne     fail\suffix\()_v\number
        .set    word, word + 8
        .endr
        movq    AT(BLOCK_RAX), %rax
        .endm

        .macro  check_mask number, suffix
        movq    %rax, AT(BLOCK_RAX)
        kmovq   %k\number, %rax
        cmpq    %rax, AT(BLOCK_MASK + 8 * \number)
        jne     fail\suffix\()_k\number
        movq    AT(BLOCK_RAX), %rax
        .endm

        .macro  more_failures suffix, prefix, first, numbers:vararg
        .irp    n, \numbers
fail\suffix\()_\prefix\n:
        movl    $\first + \n, %eax
        jmp     done\suffix
        .endr
        .endm

#define LOW_16 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
#define ALL_32                                                                                     \
        LOW_16, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
#define MASKS 0, 1, 2, 3, 4, 5, 6, 7

/* One loop of pattern_fpu, with the vector registers as wide as `register` has them. */
        .macro  vector_loop suffix, move, register, bytes, masks, numbers:vararg
        .irp    n, \numbers
        fill_vector \n, \move, \register
        .endr
        .if     \masks
        .irp    n, MASKS
        kmovq   AT(BLOCK_MASK + 8 * \n), %k\n
        .endr
        .endif
        each_general fill_general
loop\suffix:
        each_general check_general, \suffix
        check_flags \suffix
        check_x87 \suffix
        .irp    n, \numbers
        check_vector \n, \move, \register, \bytes, \suffix
        .endr
        .if     \masks
        .irp    n, MASKS
        check_mask \n, \suffix
        .endr
        .endif
        next_round loop\suffix
        xorl    %eax, %eax
        rax_is_4 \suffix
        jmp     done\suffix
        more_failures \suffix, v, PATTERN_VECTOR, \numbers
        more_failures \suffix, x, PATTERN_X87, 0, 1, 2, 3, 4, 5, 6, 7
        .if     \masks
        more_failures \suffix, k, PATTERN_MASK, MASKS
        .endif
        failures \suffix, GENERAL_NUMBERS, 25, 26, 27
        .endm

/* The last in comes first out: register 7 of the block is loaded first. */
        .macro  fill_x87
        fninit
        .rept   3
        fincstp                         # the top is not register 0, as it is in the initial state
        .endr
        .irp    n, 7, 6, 5, 4, 3, 2, 1, 0
        fldt    AT(BLOCK_X87 + 16 * \n)
        .endr
        fldcw   AT(BLOCK_X87_CONTROL)
        fxam
        fnstsw  AT(BLOCK_X87_STATUS)
        ldmxcsr AT(BLOCK_MXCSR)
        .endm

/* unsigned pattern_fpu(uint32_t pattern, struct pattern_control *control) */
        enter   pattern_fpu, 1
        fill_x87
        movl    pattern_vector_bytes(%rip), %eax
        cmpl    $32, %eax
        je      avx
        ja      avx512
        vector_loop _sse, movdqu, xmm, 16, 0, LOW_16
        jmp     out
avx:    vector_loop _avx, vmovdqu, ymm, 32, 0, LOW_16
        jmp     upper
avx512: vector_loop _512, vmovdqu64, zmm, 64, 1, ALL_32
upper:  vzeroupper
out:    leave   pattern_fpu, 1

/* void scramble_integer(uint32_t seed) */
        enter   scramble_integer, 0
        each_general fill_general
        leave   scramble_integer, 0

/* void scramble_fpu(uint32_t seed): leaves values in the vector and x87 registers, the latter marked empty. */
        enter   scramble_fpu, 1
        fill_x87
        cmpl    $16, pattern_vector_bytes(%rip)
        ja      1f
        .irp    n, LOW_16
        fill_vector \n, movdqu, xmm
        .endr
        jmp     2f
1:      .irp    n, LOW_16
        fill_vector \n, vmovdqu, ymm
        .endr
2:      each_general fill_general
        leave   scramble_fpu, 1
/* clang-format on */

        .section .note.GNU-stack, "", @progbits
