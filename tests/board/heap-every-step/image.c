/* SPDX-License-Identifier: MIT */
/* amd64 only: image-amd64.c. */
typedef int nothing_here;
