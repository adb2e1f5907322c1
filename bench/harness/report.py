"""From runs to a table: minimum, median and maximum of each bar, against its must and its aim."""
import html
import statistics


def values(result, server, figure):
    return [run[figure] for run in result["runs"].get(server, []) if figure in run]


def limit(bar, which, reference):
    """The bar's bound in the figure's own unit: a multiple of the reference, maybe with something added, or a constant."""
    bound = bar[which]
    if bar["than"] == "constant":
        return bound
    factor, more = bound if isinstance(bound, list) else (bound, 0)
    return factor * reference + more


def judge(bar, median, reference):
    reaches = (lambda bound: median >= bound) if bar["better"] == "more" else (lambda bound: median <= bound)
    must, aim = limit(bar, "must", reference), limit(bar, "aim", reference)
    if reaches(aim):
        return "aim reached"
    if reaches(must):
        return "must reached"
    part = median / must if bar["better"] == "more" else must / median
    return f"below: {part:.0%} of must"


def row(result, name, bar):
    ours, peers = values(result, "selvage", bar["figure"]), values(result, result["peer"], bar["figure"])
    shown = {"bar": name, "what": result["what"], "unit": bar["unit"], "selvage": ours, "peer": peers, "ratio": [],
             "must": bar["must"], "aim": bar["aim"], "verdict": "no figure"}
    if result["errors"]:
        shown["verdict"] = "no figure: " + result["errors"][0]
    if not ours:
        return shown
    if peers:
        shown["ratio"] = [a / b for a, b in zip(ours, peers) if b]
    if bar["than"] == "peer":
        if not shown["ratio"]:
            shown["verdict"] = "no figure of the peer" if not result["errors"] else shown["verdict"]
            return shown
        if not result["errors"]:
            shown["verdict"] = judge({**bar, "than": "ratio"}, statistics.median(shown["ratio"]), 1)
        return shown
    reference = 1 if bar["than"] == "constant" else statistics.median(values(result, "selvage", bar["than"]))
    if bar["than"] != "constant":
        shown["must"], shown["aim"] = (round(limit(bar, which, reference), 2) for which in ("must", "aim"))
    if not result["errors"]:
        shown["verdict"] = judge(bar, statistics.median(ours), reference)
    return shown


def rows(results):
    return [row(result, name, bar) for result in results for name, bar in result["bars"].items()]


def number(value):
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def spread(numbers):
    if not numbers:
        return "-"
    return f"{number(statistics.median(numbers))} ({number(min(numbers))} to {number(max(numbers))})"


HEAD = ["bar", "what", "unit", "Selvage", "peer", "ratio", "must", "aim", "verdict"]


def cells(one):
    return [one["bar"], one["what"], one["unit"], spread(one["selvage"]), spread(one["peer"]),
            spread(one["ratio"]), number(one["must"]), number(one["aim"]), one["verdict"]]


def noise(document):
    loud = [run["strangers"] for result in document["scenarios"] for runs in result["runs"].values() for run in runs]
    return max(loud, default=0)


def preface(document):
    machine = document["machine"]
    lines = [f"{machine['processors']} x {machine['model']}, {machine['memory_mib']} MiB, {machine['system']}, Linux {machine['kernel']}"]
    lines += [f"{server['name']} ({server['version']}), guarantee at a crash: {server['promise']}" for server in document["servers"]]
    lines.append(f"median (minimum to maximum); others used up to {noise(document):.2f} of a processor beside a run")
    return lines


def table(document):
    lines = [HEAD] + [cells(one) for one in rows(document["scenarios"])]
    widths = [max(len(line[i]) for line in lines) for i in range(len(HEAD))]
    text = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in lines]
    text.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(preface(document) + [""] + text)


def strip(one):
    """The runs as dots on a line from zero, ours above the peer's."""
    both = one["selvage"] + one["peer"]
    if not both or max(both) <= 0:
        return ""
    dots = [f'<circle cx="{5 + 290 * value / max(both):.0f}" cy="{y}" r="4" class="{kind}"/>'
            for kind, y in (("selvage", 9), ("peer", 23)) for value in one[kind]]
    return f'<svg width="300" height="32"><line x1="5" x2="295" y1="16" y2="16"/>{"".join(dots)}</svg>'


def curve(title, series):
    """Lines from zero over the time of a run; `series`: class and values."""
    top = max((max(values) for _, values in series if values), default=0)
    if top <= 0:
        return ""
    lines = "".join(
        '<polyline class="{}" points="{}"/>'.format(kind, " ".join(
            f"{5 + 290 * i / max(1, len(values) - 1):.0f},{105 - 100 * value / top:.0f}" for i, value in enumerate(values)))
        for kind, values in series if values)
    return (f'<figure><figcaption>{html.escape(title)}, to {number(top)}</figcaption>'
            f'<svg width="300" height="110"><line x1="5" x2="295" y1="105" y2="105"/>{lines}</svg></figure>')


def curves(result):
    """The last run of each server: its memory over time, and the rate of each tenth of a backlog."""
    last = [("selvage" if name == "selvage" else "peer", runs[-1]) for name, runs in result["runs"].items() if runs]
    memory = [(kind, run.get("pss_mib", [])) for kind, run in last]
    tenths = [(kind, [tenth["per_cpu_second"] for tenth in run.get("tenths", [])]) for kind, run in last]
    return (curve(f"{result['what']}: PSS, MiB", memory) +
            curve(f"{result['what']}: messages per server-processor-second, by tenths", tenths))


def page(document):
    head = "".join(f"<th>{html.escape(title)}</th>" for title in HEAD + ["runs"])
    body = "".join("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in cells(one)) + f"<td>{strip(one)}</td></tr>"
                   for one in rows(document["scenarios"]))
    plots = "".join(curves(result) for result in document["scenarios"])
    above = "".join(f"<p>{html.escape(line)}</p>" for line in preface(document))
    return f"""<!doctype html><meta charset="utf-8"><title>Selvage beside its peers</title>
<style>body{{font:14px sans-serif;margin:2em}}table{{border-collapse:collapse}}td,th{{padding:.3em .7em;text-align:left;
border-bottom:1px solid #ccc}}line{{stroke:#bbb}}polyline{{fill:none;stroke-width:2}}polyline.selvage{{stroke:#0a7d5a;fill:none}}
polyline.peer{{stroke:#c07020;fill:none}}figure{{display:inline-block;width:320px;margin:.5em;vertical-align:bottom}}.selvage{{fill:#0a7d5a}}.peer{{fill:#c07020}}</style>
<h1>Selvage beside its peers</h1>{above}<p><svg width="12" height="10"><circle cx="6" cy="5" r="4" class="selvage"/></svg>Selvage
<svg width="12" height="10"><circle cx="6" cy="5" r="4" class="peer"/></svg>peer, from zero</p>
<table><tr>{head}</tr>{body}</table>{plots}
"""
