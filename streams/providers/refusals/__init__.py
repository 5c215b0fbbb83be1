"""Errors of providers: classes, codes, wordings, pauses."""
