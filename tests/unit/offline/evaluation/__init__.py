"""The measures: curves, intervals, calibration, bounds."""
