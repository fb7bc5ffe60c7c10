/* SPDX-License-Identifier: MIT */
/* The host as a port, for prof's unit tests: DWARF numbers of the amd64 psABI. */
#ifndef PORT_UNWIND_REGISTERS_H
#define PORT_UNWIND_REGISTERS_H

#define ARCH_UNWIND_REGISTERS 17
#define ARCH_UNWIND_SP 7
#define ARCH_UNWIND_RA 16
#define ARCH_UNWIND_CALL_BYTES 1
#define ARCH_UNWIND_PC_ALIGN 1

#endif
