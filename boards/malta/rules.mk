# SPDX-License-Identifier: MIT
# Boot media of Malta. NAME.elf becomes NAME-flash.bin (for the boot flash, in the order of the CPU's
# addresses), NAME-flash.bios (the same, each word's high byte first: QEMU's -bios), NAME-flash.hex and
# NAME-flash.srec (Intel HEX and S-records, for programmers), and NAME.uimage (for U-Boot's bootm), with
# NAME-input.uimage when there is an INPUT. docs/flashing.md says what to do with them.

# For CPUs that have less than the others need.
$(B)/boards/malta/refuse.o: LOCAL_FLAGS += -march=mips32 -mno-branch-likely

# Where programmers and U-Boot see the flash: MIPS MD00048, "Malta User's Manual", section 4.1.
malta_FLASH_ADDRESS := 0x1e000000

$(B)/flash-start.o: boards/malta/flash/start.S boards/malta/flash/header.h $(B)/flags
	$(call say,AS,$<)
	$(Q)$(CC) $(arch_FLAGS) -I. -c $< -o $@

$(B)/flash-start.bin: $(B)/flash-start.o boards/malta/flash/flash.ld
	$(call say,LINK,$@)
	$(Q)$(CC) $(arch_FLAGS) -nostdlib -static -Wl,--build-id=none -T boards/malta/flash/flash.ld $< -o $(@:.bin=.elf)
	$(Q)$(OBJCOPY) -O binary $(@:.bin=.elf) $@

$(B)/%-flash.bin: $(B)/%.elf $(B)/flash-start.bin build/bin/weft FORCE
	$(call say,FLASH,$@)
	$(Q)build/bin/weft flash --elf $< --start $(B)/flash-start.bin $(if $(INPUT),--input '$(INPUT)') \
		$(if $(MEMORY),--memory '$(MEMORY)') --out $@ --bios $(@:.bin=.bios) -- $(ARGS)

$(B)/%-flash.bios: $(B)/%-flash.bin ;

$(B)/%-flash.hex: $(B)/%-flash.bin
	$(call say,HEX,$@)
	$(Q)$(OBJCOPY) -I binary -O ihex --change-addresses $(malta_FLASH_ADDRESS) $< $@

$(B)/%-flash.srec: $(B)/%-flash.bin
	$(call say,SREC,$@)
	$(Q)$(OBJCOPY) -I binary -O srec --srec-forceS3 --change-addresses $(malta_FLASH_ADDRESS) $< $@

# U-Boot passes the arguments of its `bootargs`, and the RAM disk, as QEMU's -kernel does.
$(B)/%.uimage: $(B)/%.elf boards/malta/flash/uimage.sh FORCE
	$(call say,UIMAGE,$@)
	$(Q)OBJCOPY='$(OBJCOPY)' INPUT='$(INPUT)' boards/malta/flash/uimage.sh $< $@
