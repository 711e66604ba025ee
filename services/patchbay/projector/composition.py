"""What makes the projector this projection and no other."""

from patchbay.assistants.events import Event
from patchbay.projection import Projection
from patchbay.projector.folding import ReadModelFold
from patchbay.projector.tables import TABLES

PROJECTION: Projection[Event] = Projection(tables=TABLES, fold=ReadModelFold, writes_history=True)
