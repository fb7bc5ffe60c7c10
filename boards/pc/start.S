/* SPDX-License-Identifier: MIT */
/*
 * From the boot loader, in 32-bit protected mode without paging, to upcall_boot in 64-bit mode.
 *
 * Three ways in, told apart by a number that upcall_boot gets along with the address of what the loader
 * wrote: Multiboot 1 (GRUB, QEMU -kernel; "Multiboot Specification version 0.6.96"), Multiboot 2 (GRUB, also
 * from UEFI, where it alone says where ACPI's tables are; "Multiboot2 Specification version 2.0") and PVH (QEMU,
 * Xen, Firecracker; Xen's docs/misc/pvh.pandoc and xen/include/public/arch-x86/hvm/start_info.h).
 *
 * All have loaded the image, zeroed what follows it, turned interrupts off and switched the A20 line on.
 * Without long mode there is nothing to run: a message on COM1, and a stop.
 */
#include <weft/config.h>

#include "arch/amd64/asm.h"

#define MULTIBOOT_HEADER_MAGIC 0x1badb002
#define MULTIBOOT_PAGE_ALIGN 0x1 /* modules on page boundaries */
#define MULTIBOOT_MEMORY_MAP 0x2
#define MULTIBOOT_ADDRESSES 0x10000 /* the fields below say where to load, not the ELF headers: those are 64-bit */
#define MULTIBOOT_FLAGS (MULTIBOOT_PAGE_ALIGN | MULTIBOOT_MEMORY_MAP | MULTIBOOT_ADDRESSES)
#define MULTIBOOT_LOADER_MAGIC 0x2badb002
#define MULTIBOOT_INFO_COMMAND_LINE 16
#define MULTIBOOT2_HEADER_MAGIC 0xe85250d6
#define MULTIBOOT2_I386 0 /* the state we are entered in: 32-bit protected mode */
#define MULTIBOOT2_TAG_ADDRESSES 2
#define MULTIBOOT2_TAG_ENTRY 3
#define MULTIBOOT2_LOADER_MAGIC 0x36d76289
#define PVH_MAGIC 0x336ec578
#define PVH_INFO_COMMAND_LINE 24
#define XEN_ELFNOTE_PHYS32_ENTRY 18

#define COM1 0x3f8
#define ISA_DEBUG_EXIT 0xf4
#define STATUS_UNUSABLE_CPU 78

#define CPUID_LONG_MODE_BIT 29
#define CPUID_NX_BIT 20
#define EFLAGS_ID 0x200000
#define CR0_PE_PG 0x80000001
#define CR4_PAE 0x20
#define MSR_EFER 0xc0000080
#define EFER_LME 0x100
#define EFER_NXE 0x800
#define MSR_GS_BASE 0xc0000101
#define PAGE_PRESENT_WRITE 0x3
#define PAGE_PRESENT_WRITE_LARGE 0x83

/* DWARF column; the assembler has no name for it in 32-bit code. */
#define RETURN_ADDRESS 16

/* clang-format off */
        .section .text.start, "ax", @progbits
        .code32

        .balign 4
        .globl  pc_multiboot_header
pc_multiboot_header:
        .long   MULTIBOOT_HEADER_MAGIC
        .long   MULTIBOOT_FLAGS
        .long   -(MULTIBOOT_HEADER_MAGIC + MULTIBOOT_FLAGS)
        .long   pc_multiboot_header
        .long   __image_start           # load from here
        .long   __load_end              # to here
        .long   __bss_end               # zero up to here
        .long   _start

        .balign 8
pc_multiboot2_header:
        .long   MULTIBOOT2_HEADER_MAGIC
        .long   MULTIBOOT2_I386
        .long   pc_multiboot2_header_end - pc_multiboot2_header
        .long   -(MULTIBOOT2_HEADER_MAGIC + MULTIBOOT2_I386 + (pc_multiboot2_header_end - pc_multiboot2_header))
        .word   MULTIBOOT2_TAG_ADDRESSES, 0
        .long   24
        .long   pc_multiboot2_header    # is here
        .long   __image_start           # the same stretch as above
        .long   __load_end
        .long   __bss_end
        .word   MULTIBOOT2_TAG_ENTRY, 0
        .long   12
        .long   _start
        .balign 8
        .word   0, 0                    # no more
        .long   8
pc_multiboot2_header_end:

        .section .note.Xen, "a", @note
        .balign 4
        .long   4, 8, XEN_ELFNOTE_PHYS32_ENTRY
        .asciz  "Xen"
        .quad   pc_start_pvh

        .section .text.start, "ax", @progbits

/* In: ebx = start_info. */
FUNCTION(pc_start_pvh)
        .cfi_undefined RETURN_ADDRESS
        movl    $PVH_MAGIC, %eax
        jmp     _start
END(pc_start_pvh)

/* In: eax = the loader's magic number, ebx = its information. Kept in ebp and esi throughout. */
FUNCTION(_start)
        .cfi_undefined RETURN_ADDRESS
        cli
        cld
        movl    $__system_stack_top, %esp
        movl    %eax, %ebp
        movl    %ebx, %esi
        movl    $pc_no_ram_text, %ebx
        movl    __bss_end - 4, %ecx     # does RAM reach as far as we do? What was there comes back:
        movl    $0x5aa5c33c, __bss_end - 4 # without RAM it may be another address's
        cmpl    $0x5aa5c33c, __bss_end - 4
        movl    %ecx, __bss_end - 4
        jne     pc_refuse
        movl    $__bss_start, %edi
        movl    $__bss_end, %ecx
        subl    %edi, %ecx
        shrl    $2, %ecx
        xorl    %eax, %eax
        rep stosl

        movl    $pc_no_long_mode_text, %ebx
        pushfl                          # a CPU with CPUID lets the ID flag change
        popl    %eax
        movl    %eax, %ecx
        xorl    $EFLAGS_ID, %eax
        pushl   %eax
        popfl
        pushfl
        popl    %eax
        cmpl    %eax, %ecx
        je      pc_refuse
        movl    $0x80000000, %eax
        cpuid
        movl    $pc_no_long_mode_text, %ebx
        cmpl    $0x80000001, %eax
        jb      pc_refuse
        movl    $0x80000001, %eax
        cpuid
        movl    $pc_no_long_mode_text, %ebx
        btl     $CPUID_LONG_MODE_BIT, %edx
        jnc     pc_refuse
        movl    %edx, %edi              # for NX below

        /* 4 GiB onto themselves, in pages of 2 MiB; paging.c refines these tables. */
        movl    $paging_boot_upper + PAGE_PRESENT_WRITE, paging_root
        movl    $paging_boot_lower + PAGE_PRESENT_WRITE, %eax
        xorl    %ecx, %ecx
1:      movl    %eax, paging_boot_upper(, %ecx, 8)
        addl    $4096, %eax
        incl    %ecx
        cmpl    $4, %ecx
        jb      1b
        movl    $PAGE_PRESENT_WRITE_LARGE, %eax
        xorl    %ecx, %ecx
2:      movl    %eax, paging_boot_lower(, %ecx, 8)
        addl    $0x200000, %eax
        incl    %ecx
        cmpl    $4 * 512, %ecx
        jb      2b

        movl    %cr4, %eax
        orl     $CR4_PAE, %eax
        movl    %eax, %cr4
        movl    $paging_root, %eax
        movl    %eax, %cr3
        movl    $MSR_EFER, %ecx
        rdmsr
        orl     $EFER_LME, %eax
        btl     $CPUID_NX_BIT, %edi     # a CPU without is refused later, in words
        jnc     3f
        orl     $EFER_NXE, %eax
3:      wrmsr
        movl    %cr0, %eax
        orl     $CR0_PE_PG, %eax
        movl    %eax, %cr0
        lgdt    pc_boot_table_pointer
        ljmp    $SELECTOR_CODE, $pc_start_64
END(_start)

/* Says the sentence at ebx on COM1 and stops. With `exit=isa` on the command line, QEMU is told the status. */
FUNCTION(pc_refuse)
        .cfi_undefined RETURN_ADDRESS
        movw    $COM1 + 3, %dx          # 115200 baud, 8 bits, no parity
        movb    $0x83, %al
        outb    %al, %dx
        movw    $COM1, %dx
        movb    $1, %al
        outb    %al, %dx
        incw    %dx
        xorl    %eax, %eax
        outb    %al, %dx
        movw    $COM1 + 3, %dx
        movb    $3, %al
        outb    %al, %dx
1:      movb    (%ebx), %cl
        incl    %ebx
        testb   %cl, %cl
        jz      3f
        movw    $COM1 + 5, %dx
2:      inb     %dx, %al                # wait until it takes a byte
        testb   $0x20, %al
        jz      2b
        movw    $COM1, %dx
        movb    %cl, %al
        outb    %al, %dx
        jmp     1b
3:      cmpl    $MULTIBOOT2_LOADER_MAGIC, %ebp
        je      6f                      # from a disk: nobody is told a status
        cmpl    $PVH_MAGIC, %ebp
        movl    PVH_INFO_COMMAND_LINE(%esi), %ebx
        je      4f
        movl    MULTIBOOT_INFO_COMMAND_LINE(%esi), %ebx
4:      testl   %ebx, %ebx
        jz      6f
        decl    %ebx
5:      incl    %ebx                    # is "exit=isa" in it?
        cmpb    $0, (%ebx)
        je      6f
        cmpl    $0x74697865, (%ebx)     # "exit"
        jne     5b
        cmpl    $0x6173693d, 4(%ebx)    # "=isa"
        jne     5b
        movl    $STATUS_UNUSABLE_CPU + 1, %eax # as board_exit does
        outl    %eax, $ISA_DEBUG_EXIT
6:      hlt
        jmp     6b
END(pc_refuse)

        .code64
FUNCTION(pc_start_64)
        .cfi_undefined rip
        movl    $SELECTOR_DATA, %eax
        movl    %eax, %ds
        movl    %eax, %es
        movl    %eax, %ss
        xorl    %eax, %eax
        movl    %eax, %fs
        movl    %eax, %gs
        movl    $__system_stack_top, %esp
#if WEFT_CONFIG_CORES > 1
        movl    $MSR_GS_BASE, %ecx      # core 0's block
        movl    $amd64_cores, %eax
        xorl    %edx, %edx
        wrmsr
        movq    $cores, amd64_cores + GS_CORE
#endif
        movl    %ebp, %edi
        movl    %esi, %esi              # and its upper half is 0
        xorl    %ebp, %ebp
        callq   upcall_boot             # (magic, information, -, -), never returns
        ud2
END(pc_start_64)

        .section .rodata.pc_start, "a", @progbits
        .balign 8
pc_boot_table:
        .quad   0, 0x00af9b000000ffff, 0x00cf93000000ffff
pc_boot_table_pointer:
        .word   23
        .long   pc_boot_table
pc_no_ram_text:
        .asciz  "weft: there is too little RAM: the image ends behind its end; stopped\nweft: exit status 78\n"
pc_no_long_mode_text:
        .asciz  "weft: this CPU has no 64-bit mode (x86-64), which this image was built for; stopped\nweft: exit status 78\n"
/* clang-format on */

        .section .note.GNU-stack, "", @progbits
