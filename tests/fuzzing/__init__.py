"""Input that is nearly right, by the thousand: what reads it keeps its promises, or a case is told that can be played again."""
