"""The branches that this room adds to the tree of `segmentation/errors.py`.

    SegmentationError
    ├── InputError                          (exit 2)
    │   └── ExperimentError                 an A/B test that must not be assigned or analysed like this
    │       ├── PlanMismatchError           a file is not the one that was planned
    │       ├── TooEarlyError               the planned end has not come
    │       └── SampleRatioError            the arms are not of the sizes that they should be
    └── WarehouseError                      where segments are exported to (exit 2)
        ├── WarehouseAccessError            wrong address, credentials or permissions
        ├── WarehouseTablesError            tables that are not those of the contract
        ├── StatementFailedError            a statement that the warehouse took and could not finish
        ├── LateExportError                 one from before the newest that is there
        ├── WarehouseBusyError              another run is at work there (exit 4)
        └── WarehouseUnavailableError       worth retrying (exit 5)

What holds for all of the tree holds here: no message has a customer's data.
"""

from segmentation.errors import InputError, SegmentationError


class ExperimentError(InputError):
    """An A/B test that must not be assigned or analysed like this."""

    code = "bad-experiment"


class PlanMismatchError(ExperimentError):
    """A plan, a membership or an outcome is not that of the experiment."""

    code = "plan-mismatch"


class TooEarlyError(ExperimentError):
    """The planned end of an experiment has not come."""

    code = "too-early"


class SampleRatioError(ExperimentError):
    """The arms of an experiment are not of the sizes that they should be."""

    code = "sample-ratio-mismatch"


class WarehouseError(SegmentationError):
    """The warehouse cannot do what was asked."""

    code = "warehouse"
    exit_status = 2


class WarehouseAccessError(WarehouseError):
    """The warehouse refuses: wrong address, credentials or permissions."""

    code = "warehouse-access"


class WarehouseTablesError(WarehouseError):
    """The warehouse has tables of these names that are not those of the contract."""

    code = "warehouse-tables"


class StatementFailedError(WarehouseError):
    """A statement that the warehouse took and could not finish; nothing of it stays."""

    code = "statement-failed"


class LateExportError(WarehouseError):
    """An export from before the newest one: history goes one way."""

    code = "late-export"


class WarehouseBusyError(WarehouseError):
    """Another run is at work there."""

    code = "warehouse-busy"
    exit_status = 4


class WarehouseUnavailableError(WarehouseError):
    """The warehouse does not answer; worth retrying."""

    code = "warehouse-unavailable"
    exit_status = 5
