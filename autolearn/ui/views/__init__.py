"""What the page shows, as HTML made from records.

No Gradio here, so all of it is tested without a browser.
"""
