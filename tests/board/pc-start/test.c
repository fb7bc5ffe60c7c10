/* SPDX-License-Identifier: MIT */
/* The PC's other ways to start: GRUB from a CD image (Multiboot 2) and a disk (Multiboot 1), from a
 * BIOS and UEFI; PVH; and machines that it refuses. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/board/harness.h"

#define INPUT "/usr/share/common-licenses/GPL-3"
#define FOLDER "build/tests/run/pc-start"
#define MACHINE                                                                                    \
    "timeout 60 boards/pc/emulator-exit.sh qemu-system-x86_64 -M pc -m 64 -display none -vga "     \
    "none "                                                                                        \
    "-nic none -no-reboot -nodefaults -serial stdio -device isa-debug-exit,iobase=0xf4,iosize=4 "

static void need_pc(void)
{
    char *output;

    if (strcmp(board_name(), "pc") != 0)
        cr_skip_test("these are the PC's");
    host_run(&output, "mkdir -p " FOLDER);
}

static int started(char **output, const char *options)
{
    return host_run(output, MACHINE "%s 2>&1 </dev/null", options);
}

static void image(char *path, size_t bytes)
{
    board_image_path(path, bytes, "exit-status", NULL);
}

Test(pc_start, from_an_iso_with_grub)
{
    char elf[256], *output;

    need_pc();
    if (host_run(&output, "command -v grub-mkrescue && test -d /usr/lib/grub/i386-pc && command -v "
                          "xorriso mformat") != 0)
        cr_skip_test("grub-mkrescue, grub-pc-bin, xorriso or mtools is not installed");
    image(elf, sizeof elf);
    cr_assert_eq(
        host_run(&output, "boards/pc/iso.sh %s " FOLDER "/image.iso exit=isa return 2>&1", elf), 0,
        "%s", output);
    cr_assert_eq(started(&output, "-cpu max -cdrom " FOLDER "/image.iso"), 37, "%s", output);
    assert_contains(output, "atexit handler ran");
}

/* From UEFI, where nothing of the BIOS is there to be searched for ACPI's tables: the loader says
 * where they are, or the machine could not be switched off, and would start again for ever. */
Test(pc_start, from_uefi_with_grub)
{
    char elf[256], *output;

    need_pc();
    if (getenv("SOAK") == NULL)
        cr_skip_test("this firmware takes its time: make soak");
    if (host_run(&output,
                 "test -d /usr/lib/grub/x86_64-efi && test -r /usr/share/OVMF/OVMF_VARS.fd && "
                 "command -v grub-mkrescue xorriso mformat") != 0)
        cr_skip_test("ovmf, grub-efi-amd64-bin, grub-common, xorriso or mtools is not installed");
    image(elf, sizeof elf);
    cr_assert_eq(host_run(&output,
                          "cp /usr/share/OVMF/OVMF_VARS.fd " FOLDER "/vars.fd && "
                          "boards/pc/iso.sh %s " FOLDER "/uefi.iso return 2>&1",
                          elf),
                 0, "%s", output);
    cr_assert_eq(
        host_run(&output,
                 "timeout 300 qemu-system-x86_64 -M q35 -cpu max -m 256 -display none "
                 "-nic none -nodefaults -serial stdio "
                 "-drive if=pflash,format=raw,readonly=on,file=/usr/share/OVMF/OVMF_CODE.fd "
                 "-drive if=pflash,format=raw,file=" FOLDER "/vars.fd "
                 "-cdrom " FOLDER "/uefi.iso 2>&1 </dev/null"),
        0, "%s", output);
    assert_contains(output, "atexit handler ran");
    assert_contains(output, "weft: exit status 37");
}

/* The same image, written to a disk (a USB stick): it is a hybrid. */
Test(pc_start, from_the_iso_as_a_disk)
{
    char elf[256], *output;

    need_pc();
    if (host_run(&output,
                 "command -v grub-mkrescue xorriso mformat && test -d /usr/lib/grub/i386-pc"))
        cr_skip_test("grub-mkrescue, grub-pc-bin, xorriso or mtools is not installed");
    image(elf, sizeof elf);
    cr_assert_eq(
        host_run(&output, "boards/pc/iso.sh %s " FOLDER "/usb.iso exit=isa return 2>&1", elf), 0,
        "%s", output);
    cr_assert_eq(started(&output, "-cpu max -drive format=raw,file=" FOLDER "/usb.iso"), 37, "%s",
                 output);
}

/* The demo and its INPUT, off a raw disk; and twice the same disk. */
Test(pc_start, from_a_raw_disk_with_grub)
{
    char elf[256], *output, *digest;

    need_pc();
    if (host_run(&output, "command -v grub-mkimage mformat && test -d /usr/lib/grub/i386-pc"))
        cr_skip_test("grub-common, grub-pc-bin or mtools is not installed");
    board_image_path(elf, sizeof elf, "demo", NULL);
    for (unsigned i = 1; i <= 2; i++)
        cr_assert_eq(host_run(&output,
                              "INPUT=" INPUT " boards/pc/disk.sh %s " FOLDER
                              "/disk%u.img exit=isa passes=1 status=9 2>&1",
                              elf, i),
                     0, "%s", output);
    cr_assert_eq(host_run(&output, "cmp " FOLDER "/disk1.img " FOLDER "/disk2.img 2>&1"), 0, "%s",
                 output);
    cr_assert_eq(started(&output, "-cpu max -drive format=raw,file=" FOLDER "/disk1.img"), 9, "%s",
                 output);
    assert_contains(output, "demo: round trip ok");
    cr_assert_eq(host_run(&digest, "printf 'demo: sha256=%%s\\n' $(sha256sum " INPUT ")"), 0);
    *strchr(digest, '\n') = '\0';
    assert_contains(output, digest);
}

/* QEMU takes the Multiboot header when there is one; without its magic number, the PVH note. */
Test(pc_start, by_pvh)
{
    char elf[256], options[600], *output;

    need_pc();
    image(elf, sizeof elf);
    cr_assert_eq(host_run(&output,
                          "cp %s " FOLDER "/pvh.elf && "
                          "at=$(LC_ALL=C grep -obUaP '\\x02\\xb0\\xad\\x1b' " FOLDER
                          "/pvh.elf | head -1 | cut -d: -f1) && "
                          "printf x | dd of=" FOLDER "/pvh.elf bs=1 seek=$at conv=notrunc 2>&1",
                          elf),
                 0, "%s", output);
    snprintf(options, sizeof options,
             "-cpu max -kernel " FOLDER "/pvh.elf -append 'exit=isa return'");
    cr_assert_eq(started(&output, options), 37, "%s", output);
}

static void refused(const char *cpu, const char *sentence)
{
    char elf[256], options[600], *output;

    need_pc();
    image(elf, sizeof elf);
    snprintf(options, sizeof options, "-cpu %s -kernel %s -append exit=isa", cpu, elf);
    cr_assert_eq(started(&output, options), 78, "%s", output);
    assert_contains(output, sentence);
}

Test(pc_start, cpu_without_long_mode_is_refused)
{
    refused("qemu32", "this CPU has no 64-bit mode");
}

Test(pc_start, cpu_without_nx_is_refused)
{
    refused("qemu64,-nx", "cannot forbid the execution of data");
}

Test(pc_start, cpu_without_local_apic_is_refused)
{
    refused("qemu64,-apic", "no local APIC");
}

/* Without exit=isa: the status is printed, and the machine is off, with ACPI, where a reset would
 * start it again for ever; or, without, reset. */
Test(pc_start, switches_itself_off)
{
    char elf[256], *output;

    need_pc();
    image(elf, sizeof elf);
    for (unsigned i = 0; i < 2; i++) {
        cr_assert_eq(host_run(&output,
                              "timeout 60 qemu-system-x86_64 -M pc,acpi=%s -m 64 -display none "
                              "-nodefaults -serial stdio "
                              "%s -kernel %s -append return 2>&1 </dev/null",
                              i == 0 ? "on" : "off", i == 0 ? "" : "-no-reboot", elf),
                     0, "%s", output);
        assert_contains(output, "weft: exit status 37");
    }
}
