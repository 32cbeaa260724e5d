"""The tabs of the page: each lays out its components and wires their events."""
