/* SPDX-License-Identifier: MIT */
/*
 * The same reader, compiled for a foreign image: MIPS o32, 32-bit and big-endian. The image is
 * built here out of weft's own sources and a program that is nasty to unwinders, at every
 * optimisation level.
 */
#define CFI_WORD_BYTES 4
#define CFI_BIG_ENDIAN 1
#define CFI_REGISTERS 32
#define CFI_STACK_POINTER 1 /* see make_copy_for_elfutils */
#include "prof_cfi_compare.h"

static char directory[] = "/tmp/weft-prof-cfi-XXXXXX";

static const char nasty[] =
    "int leaf(int x) { return x + 1; }\n"
    "int call(volatile char *p, ...);\n"
    "int big(int n) { volatile char a[48000]; a[n] = 1; return call(a, n) + a[n + 1]; }\n"
    "int dynamic(int n) { volatile char *a = __builtin_alloca(n); return call(a, n) + a[0]; }\n"
    "int early(int n) { if (n == 3) return leaf(n); return call(0, n) * big(n) + leaf(n); }\n"
    "int tail(int n) { return n > 9 ? big(n) : dynamic(n + leaf(n)); }\n"
    "int deep(int n) { return n == 0 ? call(0) : deep(n - 1) * 3 + dynamic(n); }\n"
    "int variadic(const char *f, ...) { __builtin_va_list v; __builtin_va_start(v, f);\n"
    "  int r = __builtin_va_arg(v, int); __builtin_va_end(v); return call(0, f) + r; }\n"
    "double floats(double a, double b) { double c = a * b; call(0); return c + a / b; }\n"
    "int many(int a, int b, int c, int d) { int e = call(0, a), f = call(0, b), g = call(0, c),\n"
    "  h = call(0, d), i = call(0, e); if (a) { call(0, f); return g; } return e + f + g + h + i; "
    "}\n"
    "void forever(int n) { for (;;) call(0, n); }\n"
    "void __start(void) { tail(1); deep(4); variadic(\"\", 1); floats(1, 2); early(1);\n"
    "  many(1, 2, 3, 4); forever(1); }\n";

static const char *source_root(void)
{
    static char path[512];

    strncpy(path, __FILE__, sizeof path - 1);
    char *tests = strstr(path, "tests/unit/");

    if (tests == NULL)
        return ".";
    *tests = 0;
    return path[0] == 0 ? "." : path;
}

/* What elfutils gets is a copy of the image, changed in two ways. It refuses call frame information
 * of machines whose ABI it doesn't know, MIPS among them: 32-bit PowerPC, big-endian too, it knows,
 * and from that ABI only register 1 shows, the stack pointer there. And it refuses the way gcc's
 * MIPS CIEs begin, def_cfa_register without an offset: def_cfa takes the padding byte behind it, 0,
 * for the offset. */
static void make_copy_for_elfutils(void)
{
    static const unsigned char gcc_start[] = {PE_SDATA4, 0x0d, 29, 0};
    static unsigned char bytes[1 << 20];
    char from[64], to[64];
    FILE *file;
    size_t size;

    snprintf(from, sizeof from, "%s/image.elf", directory);
    snprintf(to, sizeof to, "%s/copy.elf", directory);
    file = fopen(from, "r");
    size = fread(bytes, 1, sizeof bytes, file);
    cr_assert(size > 0 && size < sizeof bytes);
    fclose(file);
    bytes[offsetof(Elf32_Ehdr, e_machine) + 1] = EM_PPC;
    for (size_t i = 0; i + sizeof gcc_start <= size; i++)
        if (memcmp(bytes + i, gcc_start, sizeof gcc_start) == 0)
            bytes[i + 1] = 0x0c;
    file = fopen(to, "w");
    cr_assert(fwrite(bytes, 1, size, file) == size);
    fclose(file);
}

static void build_image(const char *options)
{
    char command[2048];
    char path[64];
    FILE *file;

    if (system("command -v mips-linux-gnu-gcc >/dev/null") != 0)
        cr_skip_test("mips-linux-gnu-gcc is not installed");
    cr_assert(mkdtemp(directory) != NULL);
    snprintf(path, sizeof path, "%s/nasty.c", directory);
    file = fopen(path, "w");
    cr_assert(file != NULL);
    fputs(nasty, file);
    fclose(file);
    snprintf(
        command, sizeof command,
        "cd %s && mips-linux-gnu-gcc -EB -march=mips32r2 -mno-abicalls -fno-pic -G0 "
        "-ffreestanding -fno-stack-protector -fasynchronous-unwind-tables %s -nostdlib -static "
        "-I. -Iinclude -Iarch/mips -Wl,--eh-frame-hdr -Wl,--unresolved-symbols=ignore-all "
        "-Wl,-Ttext=0x00100000 -o %s/image.elf %s/nasty.c kernel/print.c prof/cfi.c "
        "prof/cfi_program.c prof/cfi_reader.c prof/cfi_expression.c prof/unwind.c prof/frame.c "
        "2>&1",
        source_root(), options, directory, directory);
    cr_assert(system(command) == 0, "%s", command);
    make_copy_for_elfutils();
}

static void open_built(struct image *image, const char *options)
{
    char path[64];

    build_image(options);
    snprintf(path, sizeof path, "%s/image.elf", directory);
    image_open(image, path);
    dwarf_cfi_end(image->theirs);
    snprintf(path, sizeof path, "%s/copy.elf", directory);
    image->copy_file = open(path, O_RDONLY);
    image->copy = elf_begin(image->copy_file, ELF_C_READ, NULL);
    image->theirs = dwarf_getcfi_elf(image->copy);
    cr_assert(image->theirs != NULL);
}

static void close_built(struct image *image)
{
    char command[64];

    image_close(image);
    snprintf(command, sizeof command, "rm -r %s", directory);
    cr_assert(system(command) == 0);
}

static void compare_built(const char *options)
{
    struct image image;

    open_built(&image, options);
    unsigned rows = compare_image(&image);

    cr_assert(rows > 100, "%u rows", rows);
    cr_log_info("%u rows", rows);
    close_built(&image);
}

Test(prof_cfi_mips, every_row_at_O0)
{
    compare_built("-O0");
}

Test(prof_cfi_mips, every_row_at_O2)
{
    compare_built("-O2");
}

Test(prof_cfi_mips, every_row_at_O3)
{
    compare_built("-O3 -funroll-loops");
}

Test(prof_cfi_mips, every_row_at_Os)
{
    compare_built("-Os -fomit-frame-pointer");
}

static struct text_range text_of(struct image *image)
{
    struct text_range range = {0};
    size_t count;

    elf_getphdrnum(image->elf, &count);
    for (size_t i = 0; i < count; i++) {
        GElf_Phdr header;

        gelf_getphdr(image->elf, (int)i, &header);
        if (header.p_type == PT_LOAD && (header.p_flags & PF_X) != 0)
            range = (struct text_range){(cfi_word)header.p_vaddr,
                                        (cfi_word)(header.p_vaddr + header.p_memsz)};
    }
    return range;
}

Test(prof_cfi_mips, no_flipped_bits_make_a_lookup_fault_or_hang, .timeout = 300)
{
    struct image image;

    open_built(&image, "-O2");
    damage_image(&image, text_of(&image), 32);
    close_built(&image);
}

Test(prof_cfi_mips, no_cut_table_makes_a_lookup_fault, .timeout = 300)
{
    struct image image;

    open_built(&image, "-O2");
    cut_image(&image, text_of(&image));
    close_built(&image);
}
