"""The tabs of the page, one module each: inputs, events and where the view goes."""
