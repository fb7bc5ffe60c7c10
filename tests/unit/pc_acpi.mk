# SPDX-License-Identifier: MIT
# The PC board's reader of ACPI tables, on the host, which has to be of the same kind (ports, 32-bit addresses).
ifeq ($(shell uname -m),x86_64)
unit_pc_acpi_SRCS := tests/unit/pc_acpi.c boards/pc/acpi.c
unit_pc_acpi_CFLAGS := -Itests/unit -Wno-array-bounds -Wno-stringop-overread
endif
