"""Learning from labels: reads them, fits artifacts, compares them. Never imported by a worker.

scikit-learn grows the trees and solves the linear models; what comes out are plain arrays, which
`streams.routing.learned` evaluates.
"""
