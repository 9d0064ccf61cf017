"""The microscope's page: what must be on it, that hostile names stay text, and that it works in a real browser.

The tests that ask for the fixture `browser` need one: $RECEPTIVE_BROWSER names it (`chromium`).
"""

import dataclasses
import html
import io
import json
import os
import re
import shutil
import subprocess
from base64 import b64decode, b64encode
from hashlib import sha256
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from research.report.microscope import FilterView, Hypothesis, LayerView, Microscope, Patch, Saliency
from research.report.microscope_page import render

HOSTILE = "<script>document.title='owned'</script> & \"cat's\" <img src=x onerror=alert(1)>"
FILE = "</script><b onclick='x'>caf\udce9.jpg"  # a name that is no UTF-8, as os.listdir gives it
LAYERS = {"conv1": 3, "conv10": 12, f"fire5/{HOSTILE}": 40}
LONG = "x" * 300
VOID = {"meta", "img", "input"}


def picture(seed, side=16, channels=3):
    return np.random.default_rng(seed).integers(0, 256, (side, side, channels), np.uint8)


def filter_view(index, dead=False):
    if dead:
        return FilterView(index, "dead", 0.0)
    return FilterView(
        index,
        "revived" if index == 2 else "alive",
        score=1.5 + index,
        exemplar=picture(index),
        variants=np.stack([picture(100 + index), picture(200 + index)]),
        near_field=picture(300 + index, 5),
        near_score=9.75,
        patches=[Patch(picture(400 + index + rank, 5), 7.25 - rank, f"{FILE} {rank}") for rank in range(3)],
        curve=np.arange(4.0),
        says=HOSTILE if index == 1 else "tabby",
    )


def hypothesis(layer, index, meaning, held_out=True):
    maps = [(picture(1, 40), np.linspace(0, 1, 1600).reshape(40, 40))]
    return Hypothesis(
        layer, index, meaning, 0.875, 0.8, 0.9375, 0.0002, 0.0128, 64, 30, 70, held_out, maps, ["ranks 1st of 201"],
        p_family=0.0006, tested=3,
    )  # fmt: skip


def make():
    layers = [
        LayerView(name, [filter_view(index, dead=index == 11) for index in range(number)], (9, 9), (5, 7), 2.5)
        for name, number in LAYERS.items()
    ]
    tests = [hypothesis("conv10", 7, "owl 3"), hypothesis("conv1", 0, HOSTILE, False), hypothesis("gone", 99, LONG)]
    saliency = Saliency(FILE, picture(9, 40), HOSTILE, 0.75, picture(9, 40)[..., 0], np.zeros((40, 40)))
    facts = [("net", HOSTILE), ("seed", "3")]
    return Microscope("What it <sees>", f"run --name {HOSTILE}", facts, layers, tests, [saliency], [f"Note {HOSTILE}"])


class Reader(HTMLParser):
    """Collects tags with their attributes, and the text; fails on tags that do not match."""

    def __init__(self, page):
        super().__init__(convert_charrefs=True)
        self.open, self.tags, self.text = [], [], ""
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag
        self.text += " "

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("style", "script"):
            self.text += data

    def having(self, name, value):
        return [attributes for _, attributes in self.tags if value in (attributes.get(name) or "").split()]


@pytest.fixture(scope="module")
def page():
    return render(make())


@pytest.fixture(scope="module")
def read(page):
    return Reader(page)


def decoded(source):
    return np.asarray(Image.open(io.BytesIO(b64decode(source.split(",", 1)[1]))).convert("RGB"))


def test_every_filter_of_every_layer_has_its_card(read):
    cards = read.having("class", "filter")
    wanted = [(layer, str(index)) for layer, number in LAYERS.items() for index in range(number)]
    assert [(card["data-layer"], card["data-filter"]) for card in cards] == wanted
    assert len({card["id"] for card in cards}) == len(cards)
    targets = {attributes["id"] for _, attributes in read.tags if "id" in attributes}
    links = [attributes["href"] for tag, attributes in read.tags if tag == "a"]
    assert {link[1:] for link in links} <= targets and len(links) == 3 + 3 + 2


def test_a_card_holds_all_that_is_known_of_its_filter():
    layer = LayerView("conv", [filter_view(1)])
    read = Reader(render(Microscope("t", "c", [], [layer], [hypothesis("conv", 1, "owl")])))
    sources = [attributes["src"] for tag, attributes in read.tags if tag == "img"]
    view = layer.filters[0]
    shown = [view.exemplar, *view.variants, view.near_field, *(patch.image for patch in view.patches)]
    for source, image in zip(sources, shown, strict=False):
        assert np.array_equal(decoded(source), image)
    for text in (
        "2.5",
        "7.25",
        "5.25",
        "9.75",
        "computed, 5×5",
        HOSTILE,
        "step",
        "0.8750",
        "0.8000 to 0.9375",
        "0.000600",
        "over 3 hypotheses",
        "0.0128",
        "30 : 70",
    ):
        assert text in read.text, text
    for text in (
        "30 : 70",
        "over 64 filters",
        "yes",
        "holds",
        "The converse: ",
        "ranks 1st of 201",
        f"{FILE[:-5]}\\udce9.jpg 2",
    ):
        assert text in read.text, text


def test_a_dead_filter_shows_no_picture():
    read = Reader(render(Microscope("t", "c", [], [LayerView("a", [filter_view(0, dead=True)])])))
    assert "dead: no picture computed from noise excites it" in read.text and "1 filter, 1 dead" in read.text
    assert not {"img", "svg", "details"} & {tag for tag, _ in read.tags}
    patch = Patch(picture(3, 5), 0.25, "cat 3")
    read = Reader(render(Microscope("t", "c", [], [LayerView("a", [FilterView(0, "dead", -1.0, patches=[patch])])])))
    assert "dead: no computed picture excites it, from noise nor from a photo; real patches do" in read.text
    assert "cat 3" in read.text
    assert [tag for tag, _ in read.tags].count("img") == 1 and "svg" not in {tag for tag, _ in read.tags}
    noisy = FilterView(0, "dead", 3.0, exemplar=picture(0), variants=picture(0)[None], curve=[1.0, 2.0])
    read = Reader(render(Microscope("t", "c", [], [LayerView("a", [noisy])])))
    assert not {"img", "svg", "details"} & {tag for tag, _ in read.tags}


def test_of_a_revived_filter_it_is_said_where_no_real_picture_excites_it():
    revived = FilterView(0, "revived", 0.01, exemplar=picture(0))
    alive = FilterView(1, "alive", 1.0, exemplar=picture(1), patches=[Patch(picture(3, 5), 0.25, "cat 3")])
    said = "before the nonlinearity; no real picture excites it."
    page = render(Microscope("t", "c", [], [LayerView("a", [revived, alive, FilterView(2, "dead", 0.0)])]))
    assert said in page and "dead: neither a computed nor a real picture excites it" in page
    without_patches = render(Microscope("t", "c", [], [LayerView("a", [revived])]))
    assert said not in without_patches and "before the nonlinearity." in without_patches


def test_where_an_ascent_began_is_said():
    found = FilterView(0, "from a patch", 0.5, exemplar=picture(0), patches=[Patch(picture(3, 5), 0.25, "cat 3")])
    page = render(Microscope("t", "c", [], [LayerView("a", [found])]))
    assert "the search began at the real picture that excites it most" in page and "1 from a patch" in page
    assert "the search began at" not in render(Microscope("t", "c", [], [LayerView("a", [filter_view(1)])]))


@pytest.mark.parametrize(
    ("p", "corrected", "high", "words"),
    [
        (0.0001, 0.01, 0.9, "holds"),
        (0.01, 0.6, 0.9, "holds only for a filter named beforehand"),
        (0.4, 1.0, 0.7, "not confirmed: it may be chance"),
        (0.999, 1.0, 0.45, "refuted: others excite it more"),
    ],
)
def test_a_hypothesis_has_a_verdict(p, corrected, high, words):
    test = dataclasses.replace(hypothesis("a", 0, "owl"), p_family=p, p_corrected=corrected, high=high)
    page = render(Microscope("t", "c", [], [LayerView("a", [filter_view(0)])], [test]))
    assert page.count(f">{words}<") == 2 and f"<bdi>owl</bdi>: {words}</h3>" in page  # the card, the table, the heading


def test_what_is_left_out_leaves_nothing_behind():
    bare = FilterView(0, "alive", float("nan"), picture(0, channels=1))
    page = render(Microscope("t", "c", [], [LayerView("a", [bare])]))
    read = Reader(page)
    headings = re.findall(r"<h[23]>(.*?)</h", page)
    assert headings == ["a", "Where this comes from"]
    assert "None" not in read.text and "nan" not in read.text and "–" in read.text


def test_nothing_is_fetched_and_only_our_own_script_runs(page, read):
    assert not re.search(r"https?://|@import|url\(|//cdn", page)
    assert [tag for tag, _ in read.tags].count("script") == 1
    assert not {"link", "iframe", "object", "base", "form"} & {tag for tag, _ in read.tags}
    names = {name for _, attributes in read.tags for name in attributes}
    assert "style" not in names and not {name for name in names if name.startswith("on")}
    assert all(attributes["src"].startswith("data:image/") for tag, attributes in read.tags if tag == "img")
    policy = next(attributes["content"] for _, attributes in read.tags if "http-equiv" in attributes)
    assert policy.startswith("default-src 'none'; img-src data:;") and "unsafe" not in policy
    for tag in ("script", "style"):
        (inside,) = re.findall(f"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        assert f"{tag}-src 'sha256-{b64encode(sha256(inside.encode()).digest()).decode()}'" in policy


def test_hostile_names_are_text(page, read):
    assert page.count("<script>") == 1 and "<img src=x" not in page and "<b onclick" not in page
    assert read.text.count(HOSTILE) > 5
    page.encode()  # no surrogate is left that a file could not hold


def test_without_scripts_everything_is_shown(read):
    assert [tag for tag, attributes in read.tags if "hidden" in attributes] == ["div"]
    (found,) = read.having("id", "find")
    assert "hidden" in found


def test_the_same_microscope_gives_the_same_page(page):
    assert render(make()) == page


@pytest.mark.parametrize(
    ("exemplar", "said"),
    [(None, "filter 0 is alive"), (picture(0).astype(float), "uint8"), (picture(0, 0), "uint8")],
)
def test_what_cannot_be_shown_is_refused(exemplar, said):
    layer = LayerView("a", [dataclasses.replace(filter_view(0), exemplar=exemplar)])
    with pytest.raises(ValueError, match=said):
        render(Microscope("t", "c", [], [layer]))


@pytest.fixture
def browser():
    path = shutil.which(os.environ.get("RECEPTIVE_BROWSER", ""))
    assert path, "no such browser: set RECEPTIVE_BROWSER to Chromium's command or path"
    return path


def browsed(browser, folder, page, script, width=1280):
    """What `script`, a function body, returns inside the page, which it meets with a frame of `width` pixels.

    Frames, since the windows of a headless browser have a least width. Also all that reached the console.
    """
    report = f"parent.postMessage(JSON.stringify((() => {{ {script} }})()), '*')"
    ours = f"addEventListener('load', () => setTimeout(() => {report}, 50))"
    allowed = b64encode(sha256(ours.encode()).digest()).decode()
    page = page.replace("script-src '", f"script-src 'sha256-{allowed}' '", 1)
    page = page.replace("</body>", f"<script>{ours}</script></body>")
    (folder / "page.html").write_text(page)
    outer = folder / "outer.html"
    outer.write_text(
        "<!DOCTYPE html><pre></pre><script>addEventListener('message', (event) => "
        "{ document.querySelector('pre').textContent = event.data; })</script>"
        f"<iframe width={width} height=800 src=page.html></iframe>"
    )
    options = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder / 'profile'}"]
    options += ["--enable-logging=stderr", "--v=0", "--virtual-time-budget=5000", "--dump-dom"]
    ran = subprocess.run([browser, *options, outer.as_uri()], capture_output=True, text=True, timeout=120, check=True)
    console = [line for line in ran.stderr.splitlines() if "CONSOLE" in line]
    return json.loads(html.unescape(re.findall(r"<pre>(.*?)</pre>", ran.stdout, re.DOTALL)[0])), console


FACTS = """
const root = document.documentElement;
for (const card of document.querySelectorAll("details")) card.open = true;
const wide = [...document.querySelectorAll("main *")].filter((element) => !element.closest(".scroll"));
return {
  title: document.title, scripts: document.scripts.length, width: innerWidth, scroll: root.scrollWidth,
  beyond: wide.filter((element) => element.getBoundingClientRect().right > innerWidth + 1).length,
  cards: document.querySelectorAll(".filter").length,
  broken: [...document.images].filter((image) => image.loading !== "lazy" || !image.src.startsWith("data:")).length,
  small: Math.min(...[...document.querySelectorAll("p, dd, td, figcaption, .label")].map(
    (element) => parseFloat(getComputedStyle(element).fontSize))),
  requests: performance.getEntriesByType("resource").map((entry) => entry.name.slice(0, 11)),
};
"""


@pytest.mark.parametrize("width", [375, 1280])
def test_in_a_browser_it_is_quiet_alone_complete_and_never_too_wide(browser, tmp_path, page, width):
    found, console = browsed(browser, tmp_path, page, FACTS, width)
    assert console == []
    assert found["title"] == "What it <sees>" and found["scripts"] == 2
    assert found["cards"] == sum(LAYERS.values()) and found["broken"] == 0
    assert found["width"] == width and found["scroll"] <= width and found["beyond"] == 0
    assert found["small"] >= 12
    assert set(found["requests"]) <= {"data:image/"}


def searched(*queries):
    """A script that types each query and returns what is then shown: the count, cards, sections and table rows."""
    return f"""
    const query = document.getElementById("query");
    const seen = (selector) => [...document.querySelectorAll(selector)].filter((element) => element.checkVisibility());
    return {json.dumps(queries)}.map((text) => {{
      query.value = text;
      query.dispatchEvent(new Event("input"));
      return {{
        count: document.getElementById("count").textContent,
        cards: seen(".filter").map((card) => card.dataset.layer.slice(0, 6) + " " + card.dataset.filter),
        layers: seen(".layer").length, links: seen("nav a").length, rows: seen("tr[data-filter]").length,
      }};
    }});"""


def test_in_a_browser_the_search_finds_by_layer_number_status_and_meaning(browser, tmp_path, page):
    queries = ("", "conv1", "conv10 7", "FIRE5  39", "dead", "owl", "3", "nothing such", "revived conv", "script", "")
    found, console = browsed(browser, tmp_path, page, searched(*queries))
    assert console == []
    shown = dict(zip(queries[1:-1], found[1:-1], strict=True))
    everything = {"count": "55 filters", "layers": 3, "links": 6, "rows": 3}
    assert {name: found[0][name] for name in everything} == everything and found[-1] == found[0]
    assert shown["conv1"]["cards"] == ["conv1 0", "conv1 1", "conv1 2"] and shown["conv1"]["count"] == "3 of 55 filters"
    assert shown["conv10 7"]["cards"] == ["conv10 7"] and shown["conv10 7"]["rows"] == 1
    assert (shown["conv10 7"]["layers"], shown["conv10 7"]["links"]) == (1, 4)
    assert shown["FIRE5  39"]["cards"] == ["fire5/ 39"]
    assert shown["dead"]["cards"] == ["conv10 11", "fire5/ 11"]
    assert shown["owl"]["cards"] == ["conv10 7"]
    assert shown["3"]["cards"] == ["conv10 3", "conv10 7", "fire5/ 3"]  # a number, or a word of a meaning
    assert shown["nothing such"]["cards"] == [] and shown["nothing such"]["count"] == "0 of 55 filters"
    assert shown["revived conv"]["cards"] == ["conv1 2", "conv10 2"]
    assert {"conv1 0", "conv1 1", "fire5/ 39"} <= set(shown["script"]["cards"])


def test_in_a_browser_a_link_opens_its_card_and_keys_reach_the_search(browser, tmp_path, page):
    script = """
    const query = document.getElementById("query"), key = (name, target) =>
      target.dispatchEvent(new KeyboardEvent("keydown", { key: name, bubbles: true, cancelable: true }));
    query.value = "dead";
    query.dispatchEvent(new Event("input"));
    const before = document.getElementById("filter-1-7").checkVisibility();
    location.hash = "#filter-1-7";
    dispatchEvent(new Event("hashchange"));
    const card = document.getElementById("filter-1-7");
    const after = card.checkVisibility() && card.open;
    key("/", document.body);
    const focused = document.activeElement === query;
    query.value = "dead";
    query.dispatchEvent(new Event("input"));
    key("Escape", query);
    return { before, after, focused, cleared: query.value, count: document.getElementById("count").textContent };
    """
    found, console = browsed(browser, tmp_path, page, script)
    assert console == []
    assert found == {"before": False, "after": True, "focused": True, "cleared": "", "count": "55 filters"}
