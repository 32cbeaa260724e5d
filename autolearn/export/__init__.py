"""Export samples, adapters and whole models as files for other programs."""
