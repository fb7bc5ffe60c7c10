# SPDX-License-Identifier: MIT
# Boot media of the PC: NAME.iso for a CD or a USB stick, NAME.img for a disk. Both have GRUB in them.
$(B)/%.iso: $(B)/%.elf boards/pc/iso.sh FORCE
	$(call say,ISO,$@)
	$(Q)INPUT='$(INPUT)' boards/pc/iso.sh $< $@.tmp $(ARGS)
	@mv $@.tmp $@

$(B)/%.img: $(B)/%.elf boards/pc/disk.sh FORCE
	$(call say,DISK,$@)
	$(Q)INPUT='$(INPUT)' boards/pc/disk.sh $< $@.tmp $(ARGS)
	@mv $@.tmp $@
