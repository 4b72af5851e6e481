/** Person from a file's name: 'ada_lovelace-02.jpg' → 'ada lovelace'. */
export function name_from_file(file: string): string {
  const base =
    file
      .split(/[\\/]/)
      .at(-1)
      ?.replace(/\.[^.]+$/, '') ?? '';
  const words = base
    .replace(/[_\s-]+/g, ' ')
    .replace(/ ?\(?\d+\)?$/, '')
    .trim();
  return words || base || 'unnamed';
}
