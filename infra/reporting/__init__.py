"""Report pages: one self-contained HTML file each, charts as inline SVG, and the same numbers as
JSON.

A page loads no script, font or image, so that it can be mailed, archived and opened offline. All
external text is escaped where it enters the markup.
"""
