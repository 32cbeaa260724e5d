"""Untrusted input in a child process, with limits on memory and time.

``run`` calls a function of ours by its name in a child. The child parses what comes
from others: documents, model folders, tokenizers, templates. However it ends, the
caller gets the result or one sentence. See docs/security.md.
"""

from autolearn.containment.child import Child, child_environment, run
from autolearn.containment.limits import Limits, limited_memory
from autolearn.containment.process_role import Role
from autolearn.containment.stopping import (
    interrupt,
    interruptible,
    is_stopped,
    stopped_by,
)

__all__ = [
    "Child",
    "Limits",
    "Role",
    "child_environment",
    "interrupt",
    "interruptible",
    "is_stopped",
    "limited_memory",
    "run",
    "stopped_by",
]
