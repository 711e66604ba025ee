"""What makes the routing process this projection and no other."""

from patchbay.callrouting import Fact, concerns_routing
from patchbay.projection import Projection
from patchbay.routing.folding import RoutingFold
from patchbay.routing.tables import TABLES

PROJECTION: Projection[Fact] = Projection(tables=TABLES, fold=RoutingFold, concerns=concerns_routing)
