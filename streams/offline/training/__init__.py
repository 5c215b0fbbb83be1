"""Training from labels: reads them, fits artifacts, compares them. Never imported by a worker.

scikit-learn grows the trees and solves the linear models. The results are plain arrays, which
`streams.routing.learned` evaluates.
"""
