"""What other programs use: a class for Python, HTTP routes and MCP tools."""
