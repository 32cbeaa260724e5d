"""Import files as passages, gold questions and corpora."""
