"""The 311 nouns of the starter's world: `noun`, `plural`, `emoji` (code point), `label` and whether it is countable."""

import json
from pathlib import Path
from typing import Any

NOUNS: list[dict[str, Any]] = json.loads(Path(__file__).with_name("vocabulary.json").read_text(encoding="utf-8"))
