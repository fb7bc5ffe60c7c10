# SPDX-License-Identifier: MIT
# How things are made: objects, the library, images, newlib.

Q := $(if $(V),,@)
say = @printf '  %-8s %s\n' '$(1)' '$(2)'

weft_SRCS += $(mem_SRCS) $(prof_SRCS)
weft_SRCS := $(filter-out $(libc_OMITS),$(weft_SRCS)) $(libc_SRCS)
weft_OBJS := $(patsubst %,$(B)/%.o,$(basename $(weft_SRCS)))
$(weft_OBJS): LOCAL_FLAGS = $(RUNTIME_FLAGS)
$(addprefix $(B)/,$(if $(SAN),$(san_BLIND))): LOCAL_FLAGS = $(RUNTIME_FLAGS) -fno-sanitize=address,thread

# Options that are not file dependencies: a change of them rebuilds everything.
flags_NOW = $(subst ',,$(CC) $(CFLAGS) $(CPPFLAGS) $(RUNTIME_FLAGS))
$(B)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(flags_NOW)' | cmp -s - $@ || echo '$(flags_NOW)' > $@
FORCE:

# The tests want the library in some sixty configurations, most of whose files no option changes:
# ccache, where it is installed, compiles each once. It keeps them in build/, unless told otherwise.
compile_CACHE := $(if $(shell command -v ccache),ccache)
export CCACHE_DIR ?= $(CURDIR)/build/ccache

$(B)/%.o: %.c $(B)/flags $(libc_READY)
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(compile_CACHE) $(CC) $(CFLAGS) $(CPPFLAGS) $(LOCAL_FLAGS) -MMD -MP -c $< -o $@

$(B)/%.o: %.S $(B)/flags $(libc_READY)
	$(call say,AS,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(TARGET_FLAGS) $(CPPFLAGS) -I. -I$(arch_FOLDER) -g $(PREFIX_MAP) -MMD -MP -c $< -o $@

$(B)/libweft.a: $(weft_OBJS)
	$(call say,AR,$@)
	@rm -f $@
	$(Q)$(AR) rcsD $@ $^

$(B)/image.ld: $(board_LINKER) tools/build/rules.mk $(wildcard linker/*.h) include/weft/config.h $(B)/flags
	@mkdir -p $(@D)
	$(Q)$(CC) -E -P -undef -D__ASSEMBLER__ -x assembler-with-cpp -I. -Iinclude -DLINKER_$(arch_PORT) $(DEFINES) $< -o $@

$(B)/image-table.ld: $(B)/image.ld
	$(Q)$(CC) -E -P -undef -D__ASSEMBLER__ -x assembler-with-cpp -I. -Iinclude -DLINKER_$(arch_PORT) -DLINKER_UNWIND_TABLE $(DEFINES) $(board_LINKER) -o $@

LINK_FLAGS = $(arch_FLAGS) -nostdlib $(libc_LINK_FLAGS) -Wl,--gc-sections -Wl,--build-id=sha1 $(if $(filter UNWIND=0,$(CONFIG)),,-Wl$(comma)--eh-frame-hdr) \
	-Wl,-z,noexecstack $(arch_LINK_FLAGS)

# Images of this tree have the compact unwind table; image.ld, which is installed, leaves the call frame information in,
# because a program linked in one step has nothing else.
link_TABLE := $(if $(filter UNWIND=0 UNWIND_TABLE=0,$(CONFIG)),,yes)
link_SCRIPT := $(B)/image$(if $(link_TABLE),-table).ld
link_COMMAND := $(if $(link_TABLE),WEFT_UNWIND_TABLE=build/bin/weft-unwind-table tools/build/link-table.sh,tools/build/link.sh)
link_TOOL := $(if $(link_TABLE),build/bin/weft-unwind-table tools/build/link-table.sh)
# Call frame information that is not loaded needs no index, and no interpreter.
link_INTERPRETER := $(if $(filter UNWIND=0,$(CONFIG)),,-Wl$(comma)-u$(comma)cfi_find)
link_FLAGS = $(LINK_FLAGS) $(if $(filter glibc,$(board_LIBC)),$(link_INTERPRETER),$(if $(link_TABLE),-Wl$(comma)--no-eh-frame-hdr,$(link_INTERPRETER)))

# $(call image,NAME,SOURCES): build/.../NAME.elf out of an application's sources.
define image
$(1)_OBJS := $$(patsubst %,$$(B)/%.o,$$(basename $(2)))
$$(B)/$(1).elf: $$($(1)_OBJS) $$(B)/libweft.a $$(link_SCRIPT) $$(link_TOOL)
	$$(call say,LINK,$$@)
	@mkdir -p $$(@D)
	$$(Q)$$(link_COMMAND) $$(CC) $$(link_FLAGS) -T $$(link_SCRIPT) -Wl,-Map=$$(@:.elf=.map) -o $$@.tmp $$(libc_FIRST) $$($(1)_OBJS) \
		-Wl,--start-group $$(B)/libweft.a $$(libc_LIBS) -Wl,--end-group $$(libc_LAST)
	@mv $$@.tmp $$@
image_OBJS += $$($(1)_OBJS)
endef
