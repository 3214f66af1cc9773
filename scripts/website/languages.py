"""Two languages in one site: the words of the theme, a switch to the same page, and a search index for each."""

import json
import logging
import re
from pathlib import Path

import jieba
from mkdocs.utils import get_relative_url
from repository import ROOT, chinese, other_language

jieba.setLogLevel(logging.WARNING)  # the theme cuts Chinese into words with it
HOME = {"en": "./", "zh": "zh/"}
# The theme's script cuts a query into words of the index, and never tries one that ends where the query does.
CUT = re.compile(r"(;(\w+))<((\w+)\.length;\2\+\+\)\4\.slice\(\w+,\2\)in )")
ENGLISH_ALONE = set()  # the addresses of such pages


def on_config(config):
    """Teach jieba the words of the glossary, so that 重采样 is one and not two."""
    text = (ROOT / "docs/glossary.md").read_text(encoding="utf-8")
    for cell in re.findall(r"^\| [^|]+ \| ([^|]+) \|", text, re.MULTILINE):
        for word in re.findall(r"[\u4e00-\u9fff]{2,}", cell):
            jieba.add_word(word)
    return config


def on_page_markdown(markdown, page, config, files):
    """Note where the switch of this page leads: to the same page, or home where it is in one language alone."""
    here, there = ("zh", "en") if chinese(page.file.src_uri) else ("en", "zh")
    other = files.get_file_from_path(other_language(page.file.src_uri))
    translated = other is not None and other is not page.file
    page.meta["languages"] = {here: page.url, there: other.url if translated else HOME[there]}
    if here == "en" and not translated:
        page.meta["english_alone"] = True
    return markdown


def on_page_context(context, page, config, nav):
    """Set the theme's language and switch for this page."""
    urls = page.meta["languages"]
    config.theme["language"] = "zh" if chinese(page.file.src_uri) else "en"
    config.extra["alternate"] = [
        {"name": name, "lang": lang, "link": urls[lang]} for lang, name in (("en", "English"), ("zh", "中文"))
    ]
    if page.meta.get("english_alone"):
        ENGLISH_ALONE.add(page.url)
    return context


def on_post_page(output, page, config):
    """Let a Chinese page search the Chinese index: the theme's script looks for it below `base`."""
    if not chinese(page.file.src_uri):
        return output
    before, after = (json.dumps({"base": get_relative_url(base, page.url)})[1:-1] for base in (".", "zh/"))
    if output.count(before) != 1:
        raise ValueError(f"{page.file.src_uri}: the theme's settings do not hold {before} once")
    return output.replace(before, after)


def on_post_build(config):
    """Give each language an index of its own; pages that are in English alone are in both."""
    for script in Path(config.site_dir, "assets/javascripts/workers").glob("search.*.js"):
        script.write_text(CUT.sub(r"\1<=\3", script.read_text(encoding="utf-8")), encoding="utf-8")
    written = Path(config.site_dir, "search/search_index.json")
    index = json.loads(written.read_text(encoding="utf-8"))
    english, translated = [], []
    for entry in index["docs"]:
        location = entry["location"]
        if location.startswith("zh/"):
            translated.append({**entry, "location": location[len("zh/") :]})
            continue
        english.append(entry)
        if location.partition("#")[0] in ENGLISH_ALONE:
            translated.append({**entry, "location": f"../{location}"})
    for path, docs in ((written, english), (Path(config.site_dir, "zh/search/search_index.json"), translated)):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            json.dumps({**index, "docs": docs}, ensure_ascii=False, separators=(",", ":")), encoding="utf-8"
        )
