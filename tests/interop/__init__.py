"""Both ways with programs that nobody here wrote: belenios-tool judges our records, and we judge its."""
