/* SPDX-License-Identifier: MIT */
/* Files inside weft: kernel/newlib_file.c has the table, kernel/file_devices.c what is there from
 * the start. */
#ifndef KERNEL_FILE_H
#define KERNEL_FILE_H

#include <weft/file.h>

/* The devices that nobody has to register, chained by `next`. */
struct weft_file_device *file_devices(void);

extern struct weft_file_device file_console;

#endif
