import { svg } from '../dom';

const kPaths = {
  search: 'M10.500 4a6.500 6.500 0 1 1 0 13 6.500 6.500 0 0 1 0-13Zm4.700 11.200L20 20',
  enrol:
    'M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8Zm-7 8c.6-3.400 3.300-5 7-5 1.300 0 2.500.2 3.500.6M19 15v6M16 18h6',
  imports: 'M12 4v10M8 10.500l4 4 4-4M4 15v5h16v-5',
  compare: 'M4 5h6v14H4zM14 5h6v14h-6zM10 12h4',
  galleries: 'M4 5h7v6H4zM13 5h7v6h-7zM4 13h7v6H4zM13 13h7v6h-7z',
  keys: 'M8 16a4 4 0 1 1 3.500-6H21v4h-2v2h-3v-2h-4.500A4 4 0 0 1 8 16Zm0-4v.01',
  audit: 'M6 4h12v16H6zM9 8h6M9 12h6M9 16h3',
  server: 'M4 5h16v6H4zM4 13h16v6H4zM7.500 8v.01M7.500 16v.01M11 8h6M11 16h6',
  camera:
    'M4 8h3.500L9 5.500h6L16.500 8H20v11H4zM12 16.500a3.300 3.300 0 1 0 0-6.600 3.300 3.300 0 0 0 0 6.600Z',
  photo: 'M4 5h16v14H4zM4 16l4.500-4.500 4 4L15 13l5 5M15.500 9v.01',
  close: 'M6 6l12 12M18 6L6 18',
  menu: 'M4 7h16M4 12h16M4 17h16',
  check: 'M5 12.500l4.500 4.500L19 7.500',
  warn: 'M12 4l9 16H3zM12 10v4.500M12 17v.01',
  unknown: 'M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8Zm-7 8c.6-3.400 3.300-5 7-5s6.400 1.600 7 5',
};
export type IconName = keyof typeof kPaths;

/** Decorative: the text beside it, or the control's name, says what it means. */
export function icon(name: IconName): SVGSVGElement {
  return svg(
    'svg',
    { viewBox: '0 0 24 24', class: 'icon', 'aria-hidden': 'true', focusable: 'false' },
    svg('path', { d: kPaths[name] }),
  );
}
