/** How `/docs` looks. No fonts, pictures or scripts: the page is allowed this sheet and nothing else. */
export const DOCS_STYLE = `
:root { color-scheme: light dark; --ink: #1d2330; --soft: #5b6478; --line: #dfe3ea; --paper: #fff; --shade: #f5f7fa; --link: #1f5fbf;
  --get: #1f6fb2; --put: #8a5a00; --post: #1c7a45; --patch: #6b46b8; --delete: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e8f0; --soft: #9aa4b8; --line: #303747; --paper: #14181f; --shade: #1c222c;
  --link: #82b4ff; --get: #6cb6f5; --put: #e0b050; --post: #62c98c; --patch: #b79bf0; --delete: #f28b82; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.55 system-ui, sans-serif; }
.page { display: grid; grid-template-columns: 13rem minmax(0, 1fr); gap: 2.5rem; max-width: 76rem; margin: 0 auto; padding: 2rem 1.5rem 6rem; }
nav { position: sticky; top: 2rem; align-self: start; font-size: .9rem; }
nav a { display: block; padding: .2rem 0; color: var(--soft); text-decoration: none; }
nav a:hover { color: var(--link); }
a { color: var(--link); }
h1 { margin: 0; font-size: 1.9rem; letter-spacing: -.01em; }
h2 { margin: 3rem 0 .2rem; font-size: 1.25rem; scroll-margin-top: 1.5rem; }
h3 { margin: 1.4rem 0 .4rem; font-size: .8rem; letter-spacing: .06em; text-transform: uppercase; color: var(--soft); }
h3.name { font-size: 1rem; letter-spacing: 0; text-transform: none; color: var(--ink); scroll-margin-top: 1.5rem; }
.soft { color: var(--soft); margin: .2rem 0 1rem; }
code, pre { font: .87em/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
p code { background: var(--shade); padding: .1em .3em; border-radius: 4px; }
pre.curl { white-space: pre-wrap; overflow-wrap: anywhere; }
th { text-align: left; padding: .4rem .9rem .4rem 0; color: var(--soft); font-weight: 600; }
ol li { margin: .8rem 0; }
pre { margin: .4rem 0; padding: .8rem 1rem; overflow-x: auto; background: var(--shade); border-radius: 6px; }
details { border: 1px solid var(--line); border-radius: 8px; margin: .5rem 0; }
summary { display: flex; flex-wrap: wrap; gap: .3rem .8rem; align-items: baseline; padding: .55rem .9rem; cursor: pointer; list-style: none; }
summary::-webkit-details-marker { display: none; }
summary:hover, details[open] > summary { background: var(--shade); border-radius: 8px; }
summary:focus-visible, a:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
summary .what { color: var(--soft); font-size: .92rem; margin-left: auto; text-align: right; }
.verb { min-width: 4.2rem; font: 700 .78rem/1.5 ui-monospace, monospace; }
.get { color: var(--get); } .put { color: var(--put); } .post { color: var(--post); } .patch { color: var(--patch); } .delete { color: var(--delete); }
.body { padding: .2rem 1.1rem 1.2rem; }
.scroll { overflow-x: auto; }
table { width: 100%; border-collapse: collapse; font-size: .9rem; }
td { padding: .4rem .9rem .4rem 0; border-top: 1px solid var(--line); vertical-align: top; }
td:first-child { white-space: nowrap; }
td.type { color: var(--soft); white-space: nowrap; }
.must { color: var(--delete); }
@media (max-width: 52rem) { .page { grid-template-columns: 1fr; gap: 1rem; } nav { position: static; columns: 2; } summary .what { margin-left: 0; text-align: left; flex-basis: 100%; } }
`;
