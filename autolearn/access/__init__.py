"""Who may reach the page: host names, sessions, passwords, headers; no Gradio."""
