"""Questions in, a report out: question sets, metrics and runs."""
