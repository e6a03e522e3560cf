"""The demo Space: search over 11 languages, and what hybrid training changes in it. Everything but `page` and `tabs`
works without gradio.
"""
