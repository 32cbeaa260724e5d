"""HTML and SVG elements, for the page and for reports; every text is escaped here."""
