"""A real C compiler as the oracle of `matrix review`'s reading: truth tables of compiled checks.

The words that a check may ask are stubs over one number; a check is compiled for every setting of
the Kconfig symbols it names, and run for every value of the words. Nothing of `matrix` is used.
"""

from __future__ import annotations

import itertools
import shutil
import subprocess
from pathlib import Path

import pytest

FUNCTION = "kvm_arch_gmem_supports_no_direct_map"
SYMBOLS = ("CONFIG_HIBERNATION", "CONFIG_KFENCE")
# Yes-or-no words in the order of their bits; the mode of KVM is two more bits.
WORDS = (
    "can_set_direct_map()",
    "cpus_have_final_cap(ARM64_HAS_STAGE2_FWB)",
    "cpus_have_final_cap(ARM64_HAS_CACHE_DIC)",
    "icache_is_aliasing()",
    "kvm_supports_cacheable_pfnmap()",
    "kvm_vm_is_protected(kvm)",
)
MODES = ("KVM_MODE_DEFAULT", "KVM_MODE_PROTECTED", "KVM_MODE_NV", "KVM_MODE_NONE")
ROWS = 1 << (len(WORDS) + 2)

PRELUDE = """
typedef _Bool bool;
typedef unsigned char u8; typedef unsigned short u16; typedef unsigned int u32;
typedef unsigned long long u64; typedef signed char s8; typedef int s32; typedef long long s64;
#define true 1
#define false 0
#define NULL ((void *)0)
#define EPERM 1
#define ENODEV 19
#define EINVAL 22
#define EOPNOTSUPP 95
#define __ARG_PLACEHOLDER_1 0,
#define __take_second_arg(__ignored, val, ...) val
#define __is_defined(x) ___is_defined(x)
#define ___is_defined(val) ____is_defined(__ARG_PLACEHOLDER_##val)
#define ____is_defined(arg1_or_junk) __take_second_arg(arg1_or_junk 1, 0)
#define IS_ENABLED(option) __is_defined(option)
#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define READ_ONCE(x) (x)
#define WARN_ON(x) ({ int __ret = !!(x); __ret; })
#define WARN_ON_ONCE(x) WARN_ON(x)
#define BUILD_BUG_ON(x)
#define pr_info(...) ((void)0)
#define pr_warn_once(...) ((void)0)
#define fallthrough __attribute__((__fallthrough__))
#define __always_inline inline __attribute__((always_inline))
#define __maybe_unused __attribute__((unused))
#define __init
#define __force
struct kvm { int unused; };
enum kvm_mode { KVM_MODE_DEFAULT, KVM_MODE_PROTECTED, KVM_MODE_NV, KVM_MODE_NONE };
enum { ARM64_HAS_STAGE2_FWB = 1, ARM64_HAS_CACHE_DIC = 2 };
static unsigned int row;
static bool can_set_direct_map(void) { return row & 1; }
static bool cpus_have_final_cap(int cap) { return row >> cap & 1; }
static bool icache_is_aliasing(void) { return row >> 3 & 1; }
static bool kernel_cacheable_pfnmap(void) { return row >> 4 & 1; }
static bool kvm_vm_is_protected(struct kvm *kvm) { (void)kvm; return row >> 5 & 1; }
static enum kvm_mode kvm_get_mode(void) { return row >> 6 & 3; }
static bool is_protected_kvm_enabled(void) { return kvm_get_mode() == KVM_MODE_PROTECTED; }
static void use(void) { (void)can_set_direct_map; (void)kvm_vm_is_protected; }
"""
# Of what the kernel has, this one may be redefined by a patch: then the stub is left out.
STUB = "static bool kvm_supports_cacheable_pfnmap(void) { return kernel_cacheable_pfnmap(); }\n"
DRIVER = """
int putchar(int);
int main(void)
{
	static struct kvm it;
	use();
	for (row = 0; row < ROWS; row++)
		putchar(kvm_arch_gmem_supports_no_direct_map(&it) ? '1' : '0');
	return 0;
}
"""

Settings = tuple[tuple[str, bool], ...]


def needs_compiler() -> str:
    """Return the compiler's path; skip without one."""
    found = shutil.which("gcc") or shutil.which("cc")
    if found is None:
        pytest.skip("no C compiler here to compare with: install gcc")
    return found


def settings_of(text: str) -> list[Settings]:
    """Return every setting of the symbols that a text names."""
    named = [symbol for symbol in SYMBOLS if symbol in text]
    return [
        tuple(zip(named, chosen, strict=True))
        for chosen in itertools.product((False, True), repeat=len(named))
    ]


def compiled_table(text: str, settings: Settings, folder: Path, *, stub: bool = True) -> str:
    """Return what a check answers in each row, as `0` and `1`; it must compile."""
    compiler = needs_compiler()
    source = folder / "check.c"
    program = folder / "check"
    prelude = PRELUDE + (STUB if stub else "")
    source.write_text(f"{prelude}#line 1\n{text}\n{DRIVER.replace('ROWS', str(ROWS))}")
    defines = [f"-D{symbol}=1" for symbol, holds in settings if holds]
    command = [compiler, "-std=gnu11", "-w", "-O0", *defines, "-o", str(program), str(source)]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert built.returncode == 0, f"{built.stderr}\n{text}"
    return subprocess.run([str(program)], capture_output=True, text=True, check=True).stdout


def word_values(row: int, settings: Settings) -> dict[str, int]:
    """Return the value of every word in a row, by its text in C."""
    values = {word: row >> bit & 1 for bit, word in enumerate(WORDS)}
    mode = row >> len(WORDS) & 3
    values["kvm_get_mode()"] = mode
    values["is_protected_kvm_enabled()"] = int(mode == 1)
    values.update({name: number for number, name in enumerate(MODES)})
    for symbol in SYMBOLS:
        values[f"IS_ENABLED({symbol})"] = int(dict(settings).get(symbol, False))
    return values
