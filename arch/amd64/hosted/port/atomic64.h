/* SPDX-License-Identifier: MIT */
#include "arch/amd64/port/atomic64.h"
