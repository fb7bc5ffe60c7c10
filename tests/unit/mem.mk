# SPDX-License-Identifier: MIT
unit_mem_heap_CFLAGS := -Itests/unit
