"""Reads a page as a browser does as far as that can do harm: its elements, their attributes, and what a person reads."""

from __future__ import annotations

from html.parser import HTMLParser

EMPTY = {"meta", "link"}
LOADING = ("src", "srcset", "data", "action", "formaction", "poster", "background", "xlink:href", "ping")


class PageReader(HTMLParser):
    """A page as its elements `(tag, attributes)` in their order; `words` is the text in them, without the style."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.words = ""
        self.style = ""
        self._open: list[str] = []
        self.feed(document)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs)
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in EMPTY:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] == "style":
            self.style += data
        else:
            self.words += data

    def tags(self) -> set[str]:
        """Which elements there are."""
        return {tag for tag, _ in self.elements}

    def all(self, tag: str) -> list[dict[str, str]]:
        """The attributes of every such element."""
        return [attributes for name, attributes in self.elements if name == tag]

    def classes(self, tag: str) -> list[str]:
        """The classes of every such element."""
        return [attributes.get("class", "") for attributes in self.all(tag)]

    def dangers(self) -> list[str]:
        """Whatever would run, or load something from anywhere."""
        found = [
            tag
            for tag in self.tags()
            if tag in ("script", "iframe", "object", "embed", "base", "form", "img", "use")
        ]
        for tag, attributes in self.elements:
            found += [f"{tag} {name}" for name in attributes if name.startswith("on") or name in LOADING]
            address = attributes.get("href", "")
            if (
                address
                and (tag, address) != ("link", "data:,")
                and (tag != "a" or not address.startswith("https://"))
            ):
                found.append(f"{tag} {address}")
        return found + [word for word in ("url(", "@import", "expression(") if word in self.style]
