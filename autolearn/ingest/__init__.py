"""Files become passages, gold questions and corpora."""
