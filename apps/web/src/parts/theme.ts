import { select_field } from './fields';

const kName = 'visavis.theme';
type Theme = 'auto' | 'light' | 'dark';

function stored(): Theme {
  const value = localStorage.getItem(kName);
  return value === 'light' || value === 'dark' ? value : 'auto';
}

export function apply_theme(theme: Theme = stored()): void {
  document.documentElement.dataset.theme = theme;
}

export function theme_switch(): HTMLElement {
  const field = select_field(
    'Appearance',
    [
      ['auto', 'As the system'],
      ['light', 'Light'],
      ['dark', 'Dark'],
    ],
    stored(),
  );
  field.input.addEventListener('change', () => {
    const theme = field.input.value as Theme;
    localStorage.setItem(kName, theme);
    apply_theme(theme);
  });
  field.row.classList.add('theme');
  return field.row;
}
