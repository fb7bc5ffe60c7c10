/* SPDX-License-Identifier: MIT */
/*
 * Another core, from the startup interrupt to upcall_boot_core.
 *
 * It begins in real mode at a page below 1 MiB, to which pc_trampoline has been copied; from there it
 * goes to protected mode, then, in the image itself, to 64-bit mode with core 0's page tables and
 * control registers. Source: Intel SDM volume 3, 8.4.4 and 9.9. Which core it becomes is in
 * pc_secondary_id: it takes the number out, so that a core that wakes late never takes another's.
 */
#include <weft/config.h>

#include "arch/amd64/asm.h"
#include "boards/pc/secondary.h"

#define CR0_PE 0x1
#define CR4_PAE 0x20
#define MSR_EFER 0xc0000080
#define MSR_GS_BASE 0xc0000101
#define EFER_LME_NXE 0x900
#define NOBODY 0xffffffff
#define SELECTOR_CODE_32 0x18

/* DWARF column; the assembler has no name for it in 16- and 32-bit code. */
#define RETURN_ADDRESS 16

/* clang-format off */
        .section .rodata.pc_secondary, "a", @progbits
        .balign 8
pc_secondary_table:
        .quad   0, 0x00af9b000000ffff, 0x00cf93000000ffff, 0x00cf9b000000ffff

/* Copied; so it is addressed from where it will run. */
        .globl  pc_trampoline, pc_trampoline_end
        .code16
pc_trampoline:
        cli
        cld
        xorw    %ax, %ax
        movw    %ax, %ds
        lgdtl   PC_TRAMPOLINE + (pc_trampoline_table - pc_trampoline)
        movl    %cr0, %eax
        orl     $CR0_PE, %eax
        movl    %eax, %cr0
        ljmpl   $SELECTOR_CODE_32, $pc_secondary_32
        .balign 4
pc_trampoline_table:
        .word   31
        .long   pc_secondary_table
pc_trampoline_end:

        .section .text.pc_secondary, "ax", @progbits
        .code32
FUNCTION(pc_secondary_32)
        .cfi_undefined RETURN_ADDRESS
        movl    $SELECTOR_DATA, %eax
        movl    %eax, %ds
        movl    %eax, %es
        movl    %eax, %ss
        movl    $NOBODY, %ebp
        xchgl   %ebp, pc_secondary_id   # which core this is; late ones find nobody and stop
        cmpl    $NOBODY, %ebp
        jne     2f
1:      hlt
        jmp     1b
2:      movl    $CR4_PAE, %eax
        movl    %eax, %cr4
        movl    $paging_root, %eax
        movl    %eax, %cr3
        movl    $MSR_EFER, %ecx
        rdmsr
        orl     $EFER_LME_NXE, %eax
        wrmsr
        movl    pc_secondary_cr0, %eax  # paging, write protection, as on core 0
        movl    %eax, %cr0
        ljmp    $SELECTOR_CODE, $pc_secondary_64
END(pc_secondary_32)

        .code64
FUNCTION(pc_secondary_64)
        .cfi_undefined rip
        movl    $SELECTOR_DATA, %eax
        movl    %eax, %ds
        movl    %eax, %es
        movl    %eax, %ss
        xorl    %eax, %eax
        movl    %eax, %fs
        movl    %eax, %gs
        leal    1(%rbp), %eax
        imull   $WEFT_CONFIG_SYSTEM_STACK_BYTES, %eax, %eax
        leaq    core_system_stacks(%rax), %rsp
        movl    %ebp, %edi
        xorl    %ebp, %ebp
        callq   amd64_boot_core         # (number), never returns
        ud2
END(pc_secondary_64)
/* clang-format on */

        .section .note.GNU-stack, "", @progbits
