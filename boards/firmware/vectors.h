/* SPDX-License-Identifier: MIT */
/* The firmware's vectors, per port (start-PORT.S). */
#ifndef BOARDS_FIRMWARE_VECTORS_H
#define BOARDS_FIRMWARE_VECTORS_H

/* Makes `vectors` the CPU's. Interrupts are off. */
void firmware_vectors_restore(const void *vectors);

#endif
