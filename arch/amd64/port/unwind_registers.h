/* SPDX-License-Identifier: MIT */
/* DWARF numbers of the System V ABI for x86-64, figure 3.36: 0 rax, 1 rdx, 2 rcx, 3 rbx, 4 rsi, 5
 * rdi, 6 rbp, 7 rsp, 8-15 r8-r15, 16 the return address. */
#ifndef PORT_UNWIND_REGISTERS_H
#define PORT_UNWIND_REGISTERS_H

#define ARCH_UNWIND_REGISTERS 17
#define ARCH_UNWIND_SP 7
#define ARCH_UNWIND_RA 16
#define ARCH_UNWIND_CALL_BYTES 1 /* somewhere inside the call */
#define ARCH_UNWIND_PC_ALIGN 1

#endif
