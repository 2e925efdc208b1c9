/** The mark in the browser's tab. */
export const ICON = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">
<rect width="32" height="32" rx="7" fill="#123a63"/>
<path d="M8 11h11a5 5 0 0 1 0 10h-3M24 21H13a5 5 0 0 1 0-10h3" fill="none" stroke="#fff"
 stroke-width="3" stroke-linecap="round"/>
</svg>
`;

/** The status page's style sheet: the colours of the ingester's console, light and dark. */
export const STYLE = `:root {
  --page: #f4f6f9; --surface: #ffffff; --line: #d5dce5; --text: #16202c; --quiet: #566476;
  --accent: #0b5cad; --brand: #123a63;
  --good: #17663a; --good-soft: #e0f2e6; --warn: #8a4b00; --warn-soft: #fdeed6;
  --bad: #a51d24; --bad-soft: #fbe3e3; --note: #33558b; --note-soft: #e3ecf9;
  color-scheme: light dark;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #0f151c; --surface: #17202a; --line: #2f3d4d; --text: #e6edf5; --quiet: #9db0c5;
    --accent: #7cbcff; --brand: #0b1f35;
    --good: #7edb9f; --good-soft: #17352a; --warn: #ffc46b; --warn-soft: #3b2a10;
    --bad: #ff9a96; --bad-soft: #42191c; --note: #a9c8ff; --note-soft: #1b2c47;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--page); color: var(--text);
  font: 14px / 1.4 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif;
  font-variant-numeric: tabular-nums;
}
header { background: var(--brand); color: #fff; padding: 10px 20px; display: flex; gap: 12px; }
header #live { margin-left: auto; }
main { max-width: 1200px; margin: 0 auto; padding: 16px 20px 40px; }
h1 { margin: 0; font-size: 24px; letter-spacing: -0.01em; }
h2 { margin: 24px 0 8px; font-size: 16px; }
a { color: var(--accent); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; border-radius: 3px; }
code {
  font: 12px / 1.45 ui-monospace, "DejaVu Sans Mono", Menlo, monospace;
  overflow-wrap: anywhere;
}
.quiet { color: var(--quiet); }
.second { display: block; color: var(--quiet); font-size: 12px; }
.number { white-space: nowrap; }
.mark {
  border-radius: 4px;
  padding: 1px 7px;
  font-size: 0.9em;
  font-weight: 600;
  white-space: nowrap;
}
h1 .mark { font-size: 14px; vertical-align: middle; }
.good { color: var(--good); background: var(--good-soft); }
.warn { color: var(--warn); background: var(--warn-soft); }
.bad { color: var(--bad); background: var(--bad-soft); }
.note { color: var(--note); background: var(--note-soft); }
.tiles {
  display: grid;
  grid-template-columns: repeat(auto-fill, minmax(170px, 1fr));
  gap: 10px;
  margin: 16px 0;
}
.tiles div {
  background: var(--surface);
  border: 1px solid var(--line);
  border-radius: 8px;
  padding: 10px 12px;
}
dt { color: var(--quiet); font-size: 12px; }
dd { margin: 2px 0 0; font-size: 18px; font-weight: 600; }
dd .second { font-weight: 400; }
.wide {
  overflow-x: auto;
  background: var(--surface);
  border: 1px solid var(--line);
  border-radius: 8px;
  margin-top: 12px;
}
table { border-collapse: collapse; width: 100%; }
th, td {
  text-align: left;
  padding: 8px 12px;
  border-top: 1px solid var(--line);
  vertical-align: top;
}
thead th { border-top: 0; color: var(--quiet); font-size: 12px; font-weight: 600; }
`;
