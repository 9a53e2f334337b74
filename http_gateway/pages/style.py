"""The look of the pages that mailed links lead to: one style sheet, dark or light as the reader's system is."""

from __future__ import annotations

import base64
import hashlib

STYLE = """
:root { color-scheme: light dark; --ink: #1c2430; --soft: #4c5766; --paper: #f5f7fa; --panel: #fff; --line: #7b8794;
  --act: #0b5cad; --on-act: #fff; --bad: #a8202a; --good: #0a6b3d; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e4e9f0; --soft: #aab4c2; --paper: #12161c; --panel: #1a2028; --line: #6b7786;
    --act: #79b4ff; --on-act: #12161c; --bad: #ff9a9d; --good: #63d39a; }
}
* { box-sizing: border-box; }
body { margin: 0; padding: 1rem; color: var(--ink); background: var(--paper); font: 1rem/1.5 system-ui, sans-serif; }
main { max-width: 28rem; margin: 8vh auto 0; padding: 1.75rem; background: var(--panel); border-radius: .6rem;
  box-shadow: 0 1px 4px rgb(0 0 0 / .2); }
.product { margin: 0 0 1rem; color: var(--soft); font-weight: 600; }
h1 { margin: 0 0 .75rem; font-size: 1.5rem; line-height: 1.25; }
p { margin: 0 0 1rem; overflow-wrap: anywhere; }
label { display: block; font-weight: 600; }
.hint { margin: 0 0 .25rem; color: var(--soft); }
.wrong { margin: 0 0 .25rem; color: var(--bad); font-weight: 600; }
.notice { padding: .75rem 1rem; border-left: .3rem solid var(--bad); background: var(--paper); }
.done { padding: .75rem 1rem; border-left: .3rem solid var(--good); background: var(--paper); }
input { display: block; width: 100%; min-height: 2.75rem; margin: .25rem 0 1.25rem; padding: .4rem .6rem; font: inherit;
  color: inherit; background: var(--panel); border: 2px solid var(--line); border-radius: .3rem; }
input[aria-invalid] { border-color: var(--bad); }
button { width: 100%; min-height: 2.75rem; padding: .5rem 1rem; font: inherit; font-weight: 600; cursor: pointer;
  color: var(--on-act); background: var(--act); border: 2px solid transparent; border-radius: .3rem; }
input:focus-visible, button:focus-visible { outline: 3px solid var(--act); outline-offset: 2px; }
"""

STYLE_HASH = "sha256-" + base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
"""What a Content-Security-Policy lets this one style sheet through by."""
