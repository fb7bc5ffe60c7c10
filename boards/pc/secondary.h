/* SPDX-License-Identifier: MIT */
/* Shared by secondary.S and cores.c. */
#ifndef BOARDS_PC_SECONDARY_H
#define BOARDS_PC_SECONDARY_H

/* A page of conventional memory that nothing uses any more once the image runs; the startup
 * interrupt carries its number. */
#define PC_TRAMPOLINE 0x8000

#endif
