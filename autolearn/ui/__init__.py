"""The page in the browser: queries and buttons over one workspace, and no torch."""
