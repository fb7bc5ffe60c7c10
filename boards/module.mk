# SPDX-License-Identifier: MIT
# The board's own list is in boards/BOARD/board.mk.
weft_SRCS += $(board_SRCS)
