/* SPDX-License-Identifier: MIT */
#include "arch/amd64/port/restart.h"
