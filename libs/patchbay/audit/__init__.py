"""What can be proven of a log by its bytes alone: exports, verdicts, anchors; no clock, no service, no network."""

from patchbay.audit.anchors import (
    Anchor,
    Anchored,
    Proof,
    load_private_key,
    make_anchor,
    prove,
    public_key_of,
    read_anchor,
)
from patchbay.audit.auditing import Audit, Finding, Placed
from patchbay.audit.errors import AnchorUnusable, AuditError, Damaged, ExportUnusable, NotAnchored
from patchbay.audit.lines import Gap
from patchbay.audit.manifest import Begun, Manifest, read_manifest
from patchbay.audit.verifying import Verification, verify_export
from patchbay.audit.writing import ExportWriter, begin_anew, begin_export

__all__ = [
    "Anchor",
    "AnchorUnusable",
    "Anchored",
    "Audit",
    "AuditError",
    "Begun",
    "Damaged",
    "ExportUnusable",
    "ExportWriter",
    "Finding",
    "Gap",
    "Manifest",
    "NotAnchored",
    "Placed",
    "Proof",
    "Verification",
    "begin_anew",
    "begin_export",
    "load_private_key",
    "make_anchor",
    "prove",
    "public_key_of",
    "read_anchor",
    "read_manifest",
    "verify_export",
]
