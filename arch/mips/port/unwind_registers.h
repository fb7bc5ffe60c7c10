/* SPDX-License-Identifier: MIT */
/* DWARF numbers 0..31 are the general registers (gcc's o32 numbering). */
#ifndef PORT_UNWIND_REGISTERS_H
#define PORT_UNWIND_REGISTERS_H

#define ARCH_UNWIND_REGISTERS 32
#define ARCH_UNWIND_SP 29
#define ARCH_UNWIND_RA 31
#define ARCH_UNWIND_CALL_BYTES 8 /* the call and its delay slot */
#define ARCH_UNWIND_PC_ALIGN 4

#endif
