# SPDX-License-Identifier: MIT
# The board's own list is in boards/BOARD/board.mk.
weft_SRCS += $(board_SRCS)

# A board with a boot medium of its own says which: board_IMAGE = .iso, and iso.sh makes it.
$(B)/%.iso: $(B)/%.elf boards/$(BOARD)/iso.sh FORCE
	$(call say,ISO,$@)
	$(Q)INPUT='$(INPUT)' boards/$(BOARD)/iso.sh $< $@.tmp $(ARGS)
	@mv $@.tmp $@
include $(wildcard boards/$(BOARD)/rules.mk)
