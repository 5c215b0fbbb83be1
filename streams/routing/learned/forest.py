"""A forest of regression trees as flat arrays, evaluated for all trees at once.

Node 0 of each tree is its root. A leaf names itself as both children, so further steps stay there.
Trees are grown in `streams.offline.training` and only validated and evaluated here.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from schemas.errors import ArtifactError


@dataclass(frozen=True, slots=True, kw_only=True)
class Forest:
    """`roots` of the trees; by node: `feature`, `threshold` (at most it goes `left`, else `right`),
    and `value`, a number for each output. `depth` bounds the path from a root to a leaf.
    """

    roots: NDArray[np.int32]
    feature: NDArray[np.int32]
    threshold: NDArray[np.float32]
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    value: NDArray[np.float32]
    depth: int
    _children: NDArray[np.intp] = field(init=False, repr=False, compare=False)
    _tested: NDArray[np.intp] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        both = np.concatenate((self.left, self.right))
        object.__setattr__(self, "_children", both.astype(np.intp))
        object.__setattr__(self, "_tested", self.feature.astype(np.intp))

    def predict(self, row: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the mean of all trees, for each output, for one row of features (float32, as
        grown).
        """
        at, nodes = self.roots.astype(np.intp), len(self.left)
        for _ in range(self.depth):
            right = row.take(self._tested.take(at)) > self.threshold.take(at)
            at = self._children.take(at + right * nodes)
        mean: NDArray[np.float64] = self.value.take(at, axis=0).mean(axis=0, dtype=np.float64)
        return mean

    def checked(self, features: int, outputs: int) -> Forest:
        """Return itself, if it is a forest over `features` features with `outputs` outputs.

        Raises:
            ArtifactError: an array has another shape, or a node points to no node or backwards.
        """
        nodes = len(self.feature)
        shapes = {each.shape for each in (self.feature, self.threshold, self.left, self.right)}
        if shapes != {(nodes,)} or self.value.shape != (nodes, outputs) or self.roots.ndim != 1:
            raise ArtifactError("the forest's arrays are inconsistent")
        here = np.arange(nodes)
        leaf = (self.left == here) & (self.right == here)
        forward = (self.left > here) & (self.right > here)
        inside = (self.left < nodes) & (self.right < nodes)
        if nodes == 0 or len(self.roots) == 0 or not ((leaf | forward) & inside).all():
            raise ArtifactError("the forest has a node that points to no node or backwards")
        if ((self.roots < 0) | (self.roots >= nodes)).any():
            raise ArtifactError("the forest has a root outside its nodes")
        if ((self.feature < 0) | (self.feature >= features)).any():
            raise ArtifactError(f"the forest uses a feature beyond the {features} available")
        if not 0 <= self.depth <= 64:
            raise ArtifactError("the forest is deeper than 64")
        if not (np.isfinite(self.threshold).all() and np.isfinite(self.value).all()):
            raise ArtifactError("the forest has numbers that are not finite")
        return self
