/* SPDX-License-Identifier: MIT */
#include "arch/amd64/port/context.h"
