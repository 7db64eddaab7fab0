"""Cases of obit in Python: how containers ended on a host, derived again from the raw records.

    case = obit.open("case/")
    for row in case.derive("container_exit"):
        print(row["ts"], row["container_id"], row["cause"])

Rows come as :class:`Stream`, which any library that knows Arrow's C interface takes as it is:
``polars.DataFrame(case.derive())``, ``pyarrow.table(case.derive())``, or a stream's name in a query of DuckDB.
"""

from ._obit import VERSION as __version__
from ._obit import DamagedCase, NoContainer, NotACase, SeveralContainers, Stream
from ._obit import ObitError as Error
from .answers import Document, Explanation, TableDigests, Verification
from .case import Case, CaseSet, open, open_all
from .filters import Where

__all__ = [
    "Case",
    "CaseSet",
    "DamagedCase",
    "Document",
    "Error",
    "Explanation",
    "NoContainer",
    "NotACase",
    "SeveralContainers",
    "Stream",
    "TableDigests",
    "Verification",
    "Where",
    "__version__",
    "open",
    "open_all",
]
