"""A page as its elements and texts, which is what a reader and a browser see of it."""

from html.parser import HTMLParser
from itertools import pairwise

VOID = ("meta", "link", "img", "br", "input")
LOADING = ("src", "srcset", "data", "poster", "action", "formaction", "xlink:href", "background")


class Page(HTMLParser):
    """`tags` are (name, attributes) in their order; `texts` is what is shown."""

    def __init__(self, html):
        super().__init__()
        self.tags = []
        self.texts = []
        self.styles = []
        self.open_tags = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open_tags.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open_tags.pop() == tag

    def handle_data(self, data):
        is_style = "style" in self.open_tags
        texts = self.styles if is_style else self.texts
        texts.append(data)

    @property
    def text(self):
        """All that is shown, on one line."""
        return " ".join(" ".join(self.texts).split())

    @property
    def names(self):
        return [name for name, _ in self.tags]

    def of(self, name, css_class=None):
        """The attributes of each element of this name, and of this class if one is asked for."""
        elements = [attributes for tag, attributes in self.tags if tag == name]
        if css_class is None:
            return elements
        return [element for element in elements if css_class in _classes(element)]

    @property
    def columns(self):
        """The columns of a model's page, in their order."""
        pairs = pairwise(self.tags)
        return [name["title"] for (heading, _), (_, name) in pairs if heading == "h3"]

    @property
    def days(self):
        """The titles of a strip's cells."""
        cells = self.of("i")
        return [cell["title"] for cell in cells if "title" in cell]

    @property
    def requests(self):
        """What a browser would fetch by itself."""
        return [*self._attributes(), *self._style_sheets()]

    def _attributes(self):
        for name, attributes in self.tags:
            for attribute, value in attributes.items():
                is_link = attribute == "href" and name != "a"
                if is_link or attribute in LOADING:
                    yield value

    def _style_sheets(self):
        inline = [attributes.get("style", "") for _, attributes in self.tags]
        for style in [*self.styles, *inline]:
            if "url(" in style or "@import" in style:
                yield style


def _classes(element):
    return element.get("class", "").split()
