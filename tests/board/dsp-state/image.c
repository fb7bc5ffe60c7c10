/* SPDX-License-Identifier: MIT */
/* MIPS only: image-mips.c. */
typedef int nothing_here;
