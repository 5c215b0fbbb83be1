"""Pages: one self-contained HTML file each, charts as inline SVG, and the same numbers as JSON.

A page loads nothing: no script, no font, no picture from elsewhere, so that it can be mailed, kept
and opened offline. Everything that comes from outside is escaped where it enters the markup.
"""
