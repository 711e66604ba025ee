"""Line charts as SVG, by hand: axes that grow by factors, a line with points for each series, a legend."""

import itertools
import math
from collections.abc import Sequence
from html import escape
from typing import Final

import msgspec

_WIDTH: Final = 640
_HEIGHT: Final = 360
_LEFT, _RIGHT, _TOP, _BOTTOM = 76, 24, 56, 52
_COLOURS: Final = ("#2563eb", "#dc2626", "#059669", "#9333ea", "#d97706", "#475569")
_STYLE: Final = (
    "text{font:12px system-ui,sans-serif;fill:#334155}.title{font-size:15px;font-weight:600;fill:#0f172a}"
    ".grid{stroke:#e2e8f0}.axis{stroke:#94a3b8}"
)


class Series(msgspec.Struct, frozen=True):
    """One line."""

    name: str
    points: Sequence[tuple[float, float]]
    labels: Sequence[str] = ()  # beside each point
    is_dashed: bool = False  # and of the colour of the one before


class Chart(msgspec.Struct, frozen=True, kw_only=True):
    """What is drawn; both axes are logarithmic."""

    title: str
    x_title: str
    y_title: str
    series: Sequence[Series]


def draw(chart: Chart) -> str:
    """Return the chart as a document of its own."""
    points = [point for series in chart.series for point in series.points]
    x_axis = _Axis.around([x for x, _ in points], _LEFT, _WIDTH - _RIGHT)
    y_axis = _Axis.around([y for _, y in points], _HEIGHT - _BOTTOM, _TOP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img">',
        f"<title>{escape(chart.title)}</title><style>{_STYLE}</style>",
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>',
        _text(_LEFT, 22, chart.title, 'class="title"'),
        *_grid(x_axis, y_axis),
        _text((_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - 12, chart.x_title, 'text-anchor="middle"'),
        f'<g transform="rotate(-90)">{_text(-(_TOP + _HEIGHT - _BOTTOM) / 2, 16, chart.y_title, _MIDDLE)}</g>',
    ]
    offset = _LEFT
    colours = itertools.accumulate(not series.is_dashed for series in chart.series)
    for number, series in zip(colours, chart.series, strict=True):
        colour = _COLOURS[(number - 1) % len(_COLOURS)]
        parts += _line(series, colour, x_axis, y_axis)
        dashes = _DASHES if series.is_dashed else ""
        parts.append(
            f'<line x1="{offset}" x2="{offset + 15}" y1="34" y2="34" stroke="{colour}" stroke-width="3"{dashes}/>'
        )
        parts.append(_text(offset + 19, 38, series.name))
        offset += 34 + 7 * len(series.name)
    return "\n".join([*parts, "</svg>", ""])


_DASHES: Final = ' stroke-dasharray="5 4"'
_MIDDLE: Final = 'text-anchor="middle"'


class _Axis(msgspec.Struct, frozen=True):
    low: float
    high: float
    begin: float
    end: float

    @classmethod
    def around(cls, values: Sequence[float], begin: float, end: float) -> "_Axis":
        """Return an axis that shows all values, from one round figure to another."""
        ticks = _round_figures(min(values) * 0.9, max(values) * 1.1)
        return cls(ticks[0], ticks[-1], begin, end)

    def place(self, value: float) -> float:
        share = math.log(value / self.low) / math.log(self.high / self.low)
        return self.begin + share * (self.end - self.begin)

    def ticks(self) -> list[float]:
        ticks = _round_figures(self.low, self.high)
        return ticks if len(ticks) <= 8 else [tick for tick in ticks if _leading(tick) == 1]


def _round_figures(low: float, high: float) -> list[float]:
    """Return 1, 2, 5, 10, … from the last one at or below `low` to the first at or above `high`."""
    figures = [base * 10.0**power for power in range(-5, 9) for base in (1, 2, 5)]
    below = max(figure for figure in figures if figure <= low)
    above = min(figure for figure in figures if figure >= high)
    return [figure for figure in figures if below <= figure <= above]


def _label(tick: float) -> str:
    return f"{tick:,.0f}" if tick >= 1 else f"{tick:g}"


def _leading(figure: float) -> int:
    return round(figure / 10.0 ** math.floor(math.log10(figure) + 1e-9))


def _grid(x_axis: _Axis, y_axis: _Axis) -> list[str]:
    parts = []
    for tick in x_axis.ticks():
        x = x_axis.place(tick)
        parts.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{_HEIGHT - _BOTTOM}"/>')
        parts.append(_text(x, _HEIGHT - _BOTTOM + 18, _label(tick), _MIDDLE))
    for tick in y_axis.ticks():
        y = y_axis.place(tick)
        parts.append(f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(_text(_LEFT - 8, y + 4, _label(tick), 'text-anchor="end"'))
    bottom = _HEIGHT - _BOTTOM
    parts.append(f'<line class="axis" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{bottom}" y2="{bottom}"/>')
    return parts


def _line(series: Series, colour: str, x_axis: _Axis, y_axis: _Axis) -> list[str]:
    places = [(x_axis.place(x), y_axis.place(y)) for x, y in series.points]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    dashes = _DASHES if series.is_dashed else ""
    parts = [f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"{dashes}/>']
    parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>' for x, y in places]
    parts += [
        _text(x + 6, y - 6, label, f'style="fill:{colour};font-size:10px"')
        for (x, y), label in zip(places, series.labels, strict=False)
    ]
    return parts


def _text(x: float, y: float, text: str, attributes: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" {attributes}>{escape(text)}</text>'
