# SPDX-License-Identifier: MIT
# The board's own list is in the board's board.mk.
weft_SRCS += $(board_SRCS)

# A board with boot media of its own says which (board_IMAGE: what is added to a program's name) and how
# they are made (rules.mk in its folder).
include $(wildcard $(board_FOLDER)/rules.mk)
