"""What the pages of the Spaces share: how they are served, their colours, uploads that are read once. Needs gradio,
where it is used.
"""
