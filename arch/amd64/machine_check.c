/* SPDX-License-Identifier: MIT */
/*
 * Machine checks: the CPU has found that hardware is broken. Unless CR4.MCE says that somebody
 * wants to know, it stops without a word. Nothing is repaired or resumed; the report has what the
 * error banks say. Source: Intel SDM volume 3, 15.3 (registers), 15.8 (initialisation).
 */
#include "arch/amd64/amd64.h"
#include "kernel/print.h"

#define CR4_MCE (1u << 6)
#define CPUID_1D_MCE (1u << 7)
#define CPUID_1D_MCA (1u << 14)
#define MSR_CAPABILITIES 0x179u
#define CAPABILITIES_BANKS 0xffu
#define CAPABILITIES_CONTROL (1u << 8)
#define MSR_GLOBAL_STATUS 0x17au
#define GLOBAL_STATUS_IN_PROGRESS 4u
#define MSR_GLOBAL_CONTROL 0x17bu
#define MSR_BANK 0x400u /* of each bank: control, status, address, and more */
#define BANK_MSRS 4u
#define STATUS_VALID (1ull << 63)
#define STATUS_HAS_ADDRESS (1ull << 58)

static bool has_banks(void)
{
    return (amd64_cpuid(1, 0).d & CPUID_1D_MCA) != 0;
}

static unsigned bank_count(void)
{
    return (unsigned)(amd64_rdmsr(MSR_CAPABILITIES) & CAPABILITIES_BANKS);
}

/* Whether a bank's control may be written: the first one's is the firmware's on CPUs of family 6
 * before model 0x1a. */
static bool is_ours(unsigned bank)
{
    uint32_t signature = amd64_cpuid(1, 0).a;
    unsigned family = signature >> 8 & 15, model = (signature >> 12 & 0xf0) | (signature >> 4 & 15);

    return bank != 0 || family != 6 || model >= 0x1a;
}

/* What a bank has kept since before the reset is not ours to report. */
void machine_check_init(void)
{
    if ((amd64_cpuid(1, 0).d & CPUID_1D_MCE) == 0)
        return;
    if (has_banks()) {
        if (amd64_rdmsr(MSR_CAPABILITIES) & CAPABILITIES_CONTROL)
            amd64_wrmsr(MSR_GLOBAL_CONTROL, ~0ull);
        for (unsigned i = 0; i < bank_count(); i++) {
            if (is_ours(i))
                amd64_wrmsr(MSR_BANK + BANK_MSRS * i, ~0ull);
            amd64_wrmsr(MSR_BANK + BANK_MSRS * i + 1, 0);
        }
    }
    amd64_write_cr4(amd64_read_cr4() | CR4_MCE);
}

void machine_check_print(void)
{
    if (!has_banks() || (amd64_rdmsr(MSR_GLOBAL_STATUS) & GLOBAL_STATUS_IN_PROGRESS) == 0)
        return;
    for (unsigned i = 0; i < bank_count(); i++) {
        uint64_t status = amd64_rdmsr(MSR_BANK + BANK_MSRS * i + 1);

        if ((status & STATUS_VALID) == 0)
            continue;
        print_console("error bank %u  status %016llx", i, (unsigned long long)status);
        if (status & STATUS_HAS_ADDRESS)
            print_console("  address %016llx",
                          (unsigned long long)amd64_rdmsr(MSR_BANK + BANK_MSRS * i + 2));
        print_console("\n");
    }
}
