/* SPDX-License-Identifier: MIT */
/* mips32 only: image-mips.c. */
typedef int nothing_here;
