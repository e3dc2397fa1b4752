"""Dashboards as Grafana 11 reads them, built with its own SDK."""

from grafana_foundation_sdk.builders import common, dashboard, prometheus, stat, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import (
    BigValueColorMode,
    GraphThresholdsStyleMode,
    LegendDisplayMode,
    LegendPlacement,
    StackingMode,
)
from grafana_foundation_sdk.models.dashboard import DataSourceRef, GridPos, Threshold, ThresholdsMode

from monitoring.boards import BOARDS
from monitoring.panel import Board, Panel

DASHBOARDS = BOARDS
SOURCE = "${datasource}"

_WIDTH, _HEIGHT = 12, 8


def encode(board: Board) -> str:
    """A dashboard as JSON, for the import page of Grafana or its provisioning.

    Parameters
    ----------
    board
        What it shows.

    Returns
    -------
    str
        The same for the same dashboard.
    """
    built = (
        dashboard.Dashboard(board.title)
        .uid(board.title.lower().replace(":", "").replace(" ", "-"))
        .description(board.description)
        .tags(["segmentation"])
        .editable()
        .refresh("1m")
        .time("now-7d", "now")
        .timezone("browser")
        .with_variable(dashboard.DatasourceVariable("datasource").label("Prometheus").type("prometheus"))
    )
    left, top = 0, 0
    for panel in board.panels:
        width = 2 * _WIDTH if panel.wide else _WIDTH
        if left + width > 2 * _WIDTH:
            left, top = 0, top + _HEIGHT
        built = built.with_panel(_panel(panel).grid_pos(GridPos(h=_HEIGHT, w=width, x=left, y=top)))
        left += width
    return JSONEncoder(sort_keys=True, indent=2).encode(built.build()) + "\n"


def _panel(panel: Panel) -> timeseries.Panel | stat.Panel:
    made: timeseries.Panel | stat.Panel
    if panel.kind == "number":
        made = stat.Panel().color_mode(BigValueColorMode.BACKGROUND if panel.limit else BigValueColorMode.NONE)
    else:
        legend = common.VizLegendOptions().display_mode(LegendDisplayMode.LIST).placement(LegendPlacement.BOTTOM)
        made = timeseries.Panel().legend(legend.show_legend(True)).fill_opacity(60 if panel.kind == "areas" else 0)
        if panel.kind == "areas":
            made = made.stacking(common.StackingConfig().mode(StackingMode.NORMAL))
        if panel.limit is not None:
            made = made.thresholds_style(common.GraphThresholdsStyleConfig().mode(GraphThresholdsStyleMode.LINE))
    made = made.title(panel.title).description(panel.description).unit(panel.unit).datasource(_SOURCE)
    if panel.limit is not None:
        steps = [Threshold(value=None, color="green"), Threshold(value=panel.limit, color="red")]
        made = made.thresholds(dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps))
    for position, (expr, legend_format) in enumerate(panel.queries):
        query = prometheus.Dataquery().expr(expr).legend_format(legend_format).ref_id(chr(ord("A") + position))
        made = made.with_target(query.datasource(_SOURCE))
    return made


_SOURCE = DataSourceRef(type_val="prometheus", uid=SOURCE)
