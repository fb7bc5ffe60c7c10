# SPDX-License-Identifier: MIT
# make install: what somebody else's project needs of weft, and nothing that it could clash with. docs/install.md.
#
#   PREFIX/bin/weft                          the host tool
#   PREFIX/lib/weft/include/weft             the headers (not PREFIX/include: with PREFIX=/usr that
#                                            would bring the host's own C headers in)
#   PREFIX/lib/weft/TARGET                   libweft.a, the linker script or its fragments, include/weft_target.h
#   PREFIX/lib/weft/newlib-ARCH              the C library
#   PREFIX/lib/pkgconfig, PREFIX/lib/cmake/weft
#   PREFIX/share/weft/examples

PREFIX ?= /usr/local
VERSION := 0.1
INSTALL_TARGETS ?= malta-mips malta-mipsel pc-amd64 linux-amd64 firmware-mips firmware-mipsel firmware-amd64

root := $(DESTDIR)$(PREFIX)
install_TARGET := $(notdir $(B))
install_LIB := $(root)/lib/weft/$(install_TARGET)
install_HEADERS := $(wildcard include/weft/*.h)
install_EXAMPLES := blink channels cplusplus profile own-firmware own-firmware-amd64

# One object with one list of global names: nothing inside can clash with a program's names. MIPS: its offsets from $gp
# (ARCH_NEAR) belong to names that were global, and count from 0, not from what .reginfo says of names that always were local.
$(B)/install/weft.o: $(weft_OBJS) tools/install/globals
	$(call say,LOCALISE,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(arch_FLAGS) -nostdlib -no-pie -r -Wl,--build-id=none -o $@.tmp $(weft_OBJS)
	$(Q)$(OBJCOPY) --wildcard --keep-global-symbols=tools/install/globals --remove-section=.reginfo $@.tmp $@
	@rm $@.tmp

$(B)/install/libweft.a: $(B)/install/weft.o
	$(call say,AR,$@)
	@rm -f $@
	$(Q)$(AR) rcsD $@ $<

$(B)/install/weft-%.ld: linker/fragments/%.ld.S $(wildcard linker/*.h) include/weft/config.h $(B)/flags
	@mkdir -p $(@D)
	$(Q)$(CC) -E -P -undef -D__ASSEMBLER__ -x assembler-with-cpp -I. -Iinclude -DLINKER_$(arch_PORT) $(DEFINES) $< -o $@

$(B)/install/weft_target.h: tools/build/target-header.sh include/weft/config.h $(B)/flags
	@mkdir -p $(@D)
	$(Q)echo '#include <weft/config.h>' | $(CC) -E -dM -D__ASSEMBLER__ -x c -Iinclude $(DEFINES) $(filter -D%,$(arch_FLAGS)) - | \
		grep -v 'WEFT_CONFIG_H *$$' | tools/build/target-header.sh $(@D) $(install_TARGET) $(ARCH) $(CC) $(if $(NEWLIB),newlib)

# The same flags as weft's own; the linker script is the target's, or (firmware) the program's own. NEWLIB_DIR stands
# for where newlib was installed, LIB_ROOT for the prefix: each package file writes them in its own way.
install_CFLAGS = $(filter-out -fno-stack-protector,$(TARGET_FLAGS)) $(STACK_PROTECTOR)
install_SCRIPT = $(if $(board_FRAGMENTS),,$(if $(NEWLIB),-Wl$(comma)--entry=_start )-T LIB_ROOT/lib/weft/$(install_TARGET)/image.ld)
install_INCLUDES = $(if $(NEWLIB),-nostdinc -isystem NEWLIB_DIR/include -isystem $(gcc_INCLUDE))
install_LIBS = $(if $(NEWLIB),-LNEWLIB_DIR/lib -Wl$(comma)--start-group -lweft -lc -lm -lgcc -Wl$(comma)--end-group,$(abspath $(libc_FIRST)) \
	-Wl$(comma)--start-group -lweft $(libc_LIBS) -Wl$(comma)--end-group $(abspath $(libc_LAST)))
install_NEWLIB = lib/weft/newlib-$(ARCH)
for_pkgconfig = $(subst NEWLIB_DIR,$${newlib},$(subst LIB_ROOT,$${prefix},$(1)))
for_cmake = $(subst NEWLIB_DIR,$${weft_ROOT}/$(install_NEWLIB),$(subst LIB_ROOT,$${weft_ROOT},$(1)))
fill_in = sed -e 's|@TARGET@|$(install_TARGET)|g; s|@ARCH@|$(ARCH)|g; s|@CC@|$(CC)|g; s|@CXX@|$(CXX)|g; s|@OBJCOPY@|$(OBJCOPY)|g' \
	-e 's|@VERSION@|$(VERSION)|g; s|@CFLAGS@|$(install_CFLAGS)|g' \
	-e 's|@SCRIPT@|$(if $(board_FRAGMENTS),,$${libdir}/image.ld)|g' \
	-e 's|@NEWLIB_DIR@|$(if $(NEWLIB),$${prefix}/$(install_NEWLIB))|g' \
	-e 's|@LIBC_INCLUDES@|$(call for_pkgconfig,$(install_INCLUDES))|g' \
	-e 's|@LDFLAGS@|$(call for_pkgconfig,$(LINK_FLAGS) $(install_SCRIPT))|g' \
	-e 's|@LIBS@|$(call for_pkgconfig,$(install_LIBS))|g' \
	-e 's|@CMAKE_LIBC_INCLUDES@|$(call for_cmake,$(subst -isystem ,SHELL:-isystem_,$(install_INCLUDES)))|g; s|SHELL:-isystem_\([^ )]*\)|"SHELL:-isystem \1"|g' \
	-e 's|@CMAKE_LDFLAGS@|$(call for_cmake,$(LINK_FLAGS) $(install_SCRIPT))|g' \
	-e 's|@CMAKE_LIBS@|$(call for_cmake,$(install_LIBS))|g'

# The C library says, too, when a program is compiled with other settings than it was.
newlib_CHECK = '\n/* weft: */\n\#ifndef __ASSEMBLER__\n\#include <weft_abi.h>\n\#endif\n'

.PHONY: install install-target install-newlib install-common
install-target: $(B)/install/libweft.a $(B)/install/weft_target.h $(addprefix $(B)/,$(board_INSTALL_FILES)) \
		$(if $(board_FRAGMENTS),$(board_FRAGMENTS:%=$(B)/install/weft-%.ld),$(B)/image.ld) $(if $(NEWLIB),install-newlib)
	$(call say,INSTALL,$(install_LIB))
	$(Q)install -d $(install_LIB)/include $(root)/lib/pkgconfig $(root)/lib/cmake/weft
	$(Q)install -m 644 $(filter %.a %.ld %.bin,$^) $(install_LIB)
	$(Q)install -m 644 $(B)/install/weft_target.h $(B)/install/weft_abi.h $(install_LIB)/include
	$(Q)$(fill_in) tools/install/weft.pc.in > $(root)/lib/pkgconfig/weft-$(install_TARGET).pc
	$(Q)$(fill_in) tools/install/toolchain.cmake.in > $(root)/lib/cmake/weft/weft-$(install_TARGET).cmake
	$(Q)$(fill_in) tools/install/flags.cmake.in > $(root)/lib/cmake/weft/weft-$(install_TARGET)-flags.cmake

install-newlib: $(libc_READY)
	$(Q)install -d $(root)/$(install_NEWLIB)/lib
	$(Q)cp -r $(NEWLIB)/include $(root)/$(install_NEWLIB)/
	$(Q)printf $(newlib_CHECK) >> $(root)/$(install_NEWLIB)/include/newlib.h
	$(Q)install -m 644 $(NEWLIB)/lib/libc.a $(NEWLIB)/lib/libm.a $(root)/$(install_NEWLIB)/lib

install-common: build/bin/weft
	$(Q)install -d $(root)/bin $(root)/lib/weft/include/weft $(root)/lib/cmake/weft
	$(Q)install $< $(root)/bin
	$(Q)install tools/build/link.sh $(root)/lib/weft
	$(Q)install -m 644 $(install_HEADERS) $(root)/lib/weft/include/weft
	$(Q)$(fill_in) tools/install/weftConfig.cmake.in > $(root)/lib/cmake/weft/weftConfig.cmake
	$(Q)for example in $(install_EXAMPLES); do install -d $(root)/share/weft/examples/$$example && \
		install -m 644 examples/$$example/* $(root)/share/weft/examples/$$example || exit 1; done

## make install [PREFIX=/usr/local] [DESTDIR=] [INSTALL_TARGETS="malta-mips ..."]   library, headers, linker scripts,
##                                       pkg-config and CMake files, the host tool (docs/install.md)
install:
	@tools/build/packages.sh $(sort $(RUN_PACKAGES) $(foreach t,$(INSTALL_TARGETS),$(packages_$(subst firmware-,malta-,$(t)))))
	@$(MAKE) --no-print-directory install-common
	@$(foreach t,$(INSTALL_TARGETS),$(MAKE) --no-print-directory install-target BOARD=$(word 1,$(subst -, ,$(t))) ARCH=$(word 2,$(subst -, ,$(t))) &&) true
