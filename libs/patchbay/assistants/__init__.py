"""The pure domain: events, commands, state, decide, evolve, rejections, ids, templates and the catalogue."""
