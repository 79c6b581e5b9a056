"""The YAML form of every kind of declaration as pydantic documents, and what each turns into.

The table `DOCUMENTS` is the whole language: a kind of file and its document. A document only
checks shape; names that other files declare are looked up by `matrix.schema.checking`.
"""

from __future__ import annotations

from matrix.schema.documents.architecture import ArchitectureDocument
from matrix.schema.documents.capability import CapabilityDocument
from matrix.schema.documents.cpu import CpuDocument, SourcesDocument
from matrix.schema.documents.distro import DistroDocument
from matrix.schema.documents.fields import Declaration
from matrix.schema.documents.kernel import KernelDocument, ToolchainDocument
from matrix.schema.documents.machine import MachineDocument
from matrix.schema.documents.overlay import OverlayDocument
from matrix.schema.documents.study import StudyDocument, ViewDocument
from matrix.schema.files import Kind

DOCUMENTS: dict[Kind, type[Declaration]] = {
    Kind.ARCHITECTURE: ArchitectureDocument,
    Kind.KERNEL: KernelDocument,
    Kind.OVERLAY: OverlayDocument,
    Kind.CPU: CpuDocument,
    Kind.SOURCES: SourcesDocument,
    Kind.MACHINE: MachineDocument,
    Kind.TOOLCHAIN: ToolchainDocument,
    Kind.CAPABILITY: CapabilityDocument,
    Kind.DISTRO: DistroDocument,
    Kind.MATRIX: StudyDocument,
    Kind.VIEW: ViewDocument,
}
