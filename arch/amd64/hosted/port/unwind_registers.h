/* SPDX-License-Identifier: MIT */
#include "arch/amd64/port/unwind_registers.h"
