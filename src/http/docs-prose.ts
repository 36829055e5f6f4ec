/** Descriptions in HTML: paragraphs, `code`, and tables as Markdown has them. Pure; every text is escaped. */

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

export const escaped = (text: string): string => text.replace(/[&<>"']/g, (character) => ENTITIES[character]!);

/** Text with `code` in it. */
export const prose = (text: string): string => escaped(text).replace(/`([^`]+)`/g, '<code>$1</code>');

/** Text with blank lines between its paragraphs; a paragraph of `| a | b |` lines is a table, the first line its head. */
export const proseBlocks = (text: string): string =>
  text
    .split(/\n{2,}/)
    .map((block) => (block.startsWith('|') ? tableHtml(block) : `<p>${prose(block)}</p>`))
    .join('');

const tableHtml = (block: string): string => {
  const [head = [], , ...rows] = block.split('\n').map(cellsOf);
  const row = (cells: readonly string[], tag: 'th' | 'td'): string =>
    `<tr>${cells.map((cell) => `<${tag}>${prose(cell)}</${tag}>`).join('')}</tr>`;
  return `<div class="scroll"><table>${row(head, 'th')}${rows.map((cells) => row(cells, 'td')).join('')}</table></div>`;
};

const cellsOf = (line: string): string[] =>
  line
    .replace(/^\||\|\s*$/g, '')
    .split('|')
    .map((cell) => cell.trim());
