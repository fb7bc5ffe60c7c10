/* SPDX-License-Identifier: MIT */
#ifndef PORT_UNWIND_REGISTERS_H
#define PORT_UNWIND_REGISTERS_H

/* DWARF numbers, from the ABI's document. */
#define ARCH_UNWIND_REGISTERS 17
#define ARCH_UNWIND_SP 7
#define ARCH_UNWIND_RA 16
#define ARCH_UNWIND_CALL_BYTES 1 /* any address inside the call will do */
#define ARCH_UNWIND_PC_ALIGN 1

#endif
