"""The configurations inside a package: `.deb`, `.rpm`, or a tar archive as other systems pack.

Takes a stream of a package, gives name and bytes of each member that is a kernel's configuration,
told by its name.
"""

from __future__ import annotations

import re

from msgspec import Struct, field

from matrix.diagnostics import InputError, Location
from matrix.door.archive import Member, archive_members, damaged, too_much
from matrix.door.bounded import DOTCONFIG
from matrix.door.stream import Stream

# Where packages keep configurations: the kernel's own `make bindeb-pkg` and `binrpm-pkg`, Fedora
# and openSUSE, Debian's linux-config-X (one file a flavour), headers and kernel-devel packages.
_CONFIG_NAMES = re.compile(
    r"(?P<boot>boot)/config-[^/]+"
    r"|(?P<modules>(?:usr/)?lib/modules)/[^/]+/config"
    r"|(?P<sources>usr/src)/(?:linux-config-[^/]+/config[^/]+|(?:kernels/)?[^/]+/\.config)"
)

# A package with the sources of a kernel has one for each flavour and architecture.
_MOST_CONFIGS = 64


def package_configs(stream: Stream) -> list[tuple[str, bytes]]:
    """Return member name and bytes of each configuration in a package, sorted by name.

    A copy of a configuration under a second name is left out.

    Raises:
        InputError: MX1402 where there is none, MX1403 for a damaged package, MX1404 past a bound,
            MX1405 for a name that leads out of the package; those of the stream.
    """
    collected = _Collected(file=stream.file)
    for member in archive_members(stream):
        if collected.is_complete(member):
            break
        collected.look_at(member)
    if not collected.configs:
        raise InputError.of(
            code="MX1402",
            message="the package holds no kernel configuration",
            location=Location(file=stream.file),
            hint="looked for boot/config-*, lib/modules/*/config, usr/src/linux-config-*/ and "
            "usr/src/*/.config; a package that only depends on a kernel has none",
        )
    return sorted(collected.configs.items())


class _Collected(Struct, kw_only=True):
    """What was found in a package so far."""

    file: str
    configs: dict[str, bytes] = field(default_factory=dict)
    folders: set[str] = field(default_factory=set)
    sorted_so_far: bool = True
    last: tuple[str, ...] = ()

    def is_complete(self, member: Member) -> bool:
        """Tell whether no further configuration can come, so that the rest need not be unpacked.

        dpkg-deb and rpmbuild write members sorted by path. While that holds, a folder that was left
        does not come again, and what lies elsewhere in a package is a copy for another tool.
        """
        parts = tuple(_plain_name(member.name).split("/"))
        # Compared part by part: as one text `boot-x` would stand between `boot` and `boot/x`.
        self.sorted_so_far = self.sorted_so_far and self.last <= parts
        self.last = parts
        if not self.configs or not self.sorted_so_far:
            return False
        return not "/".join(parts).startswith(tuple(f"{folder}/" for folder in self.folders))

    def look_at(self, member: Member) -> None:
        name = _plain_name(member.name)
        if ".." in name.split("/"):
            raise InputError.of(
                code="MX1405",
                message=f"the member `{member.name}` leads out of the package",
                location=Location(file=self.file),
                hint="no package tool makes such a name; nothing of the package is used",
            )
        found = _CONFIG_NAMES.fullmatch(name)
        if not found:
            return
        if member.size > DOTCONFIG.limit:
            raise too_much(self.file, f"`{name}` with {member.size:,} bytes")
        if len(self.configs) >= _MOST_CONFIGS:
            raise too_much(self.file, f"more than {_MOST_CONFIGS} configurations")
        content = Stream(member.content, self.file, kind=DOTCONFIG).read(member.size)
        if len(content) < member.size:
            raise damaged(self.file, f"`{name}` ends early")
        # A package may have one configuration at two places.
        if content not in self.configs.values():
            self.configs[name] = content
            self.folders.add(found[found.lastgroup or 0])


def _plain_name(name: str) -> str:
    return name.removeprefix(".").removeprefix("/") if name[:2] in ("./", ".") else name.lstrip("/")
